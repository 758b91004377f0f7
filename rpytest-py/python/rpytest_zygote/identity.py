"""What no two processes share, and modules keep from when they were imported: each session has its own.

See docs/design/latency.md.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from rpytest_zygote import world

# A program may replace them, and would see our calls.
_getpid, _time = os.getpid, time.time
_PROCESSES = "multiprocessing.process"
_KEY = "authkey"
_CALLS = "from_call"
_LENGTH = 32
_ITS_OWN = 2
"""References to the key: that of the dictionary, and that of who counts."""


def renew(config: Any) -> None:
    """What belongs to one process, or to one moment, and is not the moment of the way."""
    for kept, value in ((world.KEEPS_ITS_NUMBER, _getpid()), (world.KEEPS_ITS_MOMENT, _time())):
        for module, name in kept.items():
            if module in sys.modules:
                setattr(sys.modules[module], name, value)
    for module, name in world.KEEPS_ITS_DICE.items():
        if module in sys.modules:
            vars(sys.modules[module])[name].seed()
    if _PROCESSES in sys.modules:
        processes: Any = sys.modules[_PROCESSES]
        _main_process()._config[_KEY] = processes.AuthenticationString(os.urandom(_LENGTH))
    timing: Any = sys.modules["_pytest.timing"]
    _renew_calls(timing)
    for plugin in config.pluginmanager.get_plugins():
        if type(plugin).__module__ in world.KEEP_THE_TIME:
            for name in world.TIMES.intersection(vars(plugin)):
                known = vars(plugin)[name]
                if known is not None:
                    setattr(plugin, name, timing.time() if isinstance(known, float) else timing.Instant())


def _renew_calls(timing: Any) -> None:
    """Those of hooks that are not over: what they tell of their duration begins now."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == _CALLS and frame.f_globals.get("__name__") == "_pytest.runner":
            instant = frame.f_locals.get("instant")  # since pytest 8.4
            if type(instant) is getattr(timing, "Instant", None):
                for name, value in vars(timing.Instant()).items():
                    object.__setattr__(instant, name, value)
        frame = frame.f_back  # type: ignore[assignment]


def is_key_held() -> bool:
    """Whether somebody else holds the key by which processes of multiprocessing know each other."""
    return _PROCESSES in sys.modules and sys.getrefcount(_main_process()._config[_KEY]) > _ITS_OWN


def _main_process() -> Any:
    processes: Any = sys.modules[_PROCESSES]
    return processes._current_process
