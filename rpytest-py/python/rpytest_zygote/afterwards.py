"""What is told of a run when the interpreter ends: after the last of the user's code has run.

Nothing of it is there during the run: no plugin, no hook, no descriptor. pytest's own terminal reporter keeps the
reports; they are looked up through a weak reference, or among all objects, so that nothing lives longer than it would
have. Where they are gone, or anything is not as expected, nothing is told.
"""

from __future__ import annotations

import _weakref  # `weakref` imports more
import os
from contextlib import suppress
from typing import Any

from rpytest_zygote import ending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Afterwards:
    """Calls `tell` with the configuration of the run.

    `config` is that, if it has been made already, and `kind` the class of such.
    """

    def __init__(self, config: Any, kind: type, tell: Callable[[Any], None]) -> None:
        self._config = None if config is None else _weakref.ref(config)
        self._kind = kind
        self._tell = tell
        self._process = os.getpid()
        ending.at_the_end(self._at_the_end)

    def _at_the_end(self, objects: Callable[[], list[Any]]) -> None:
        if os.getpid() != self._process:
            return
        with suppress(Exception):  # a run does not fail because it told nothing
            config: Any = self._only(objects) if self._config is None else self._config()
            self._tell(config)

    def _only(self, objects: Callable[[], list[Any]]) -> Any:
        """The configuration, unless the run has made several: it was not there yet when this was made, and a frame of
        ours that waits for it would show in tracebacks."""
        kind = self._kind
        (config,) = [each for each in objects() if type(each) is kind]
        return config


def reports(config: Any) -> dict[str, list[Any]]:
    """By the categories that the terminal counts."""
    stats = getattr(config.pluginmanager.getplugin("terminalreporter"), "stats", None)
    return stats if isinstance(stats, dict) else {}
