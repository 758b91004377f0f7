"""A zygote that has gone ahead: a fork that ran on, and stopped where pytest would begin to look at its arguments.

`python -m pytest` does the same from its start to there, whatever it is to run: it finds and runs `pytest.__main__`,
makes the configuration and registers the builtin plugins. So that is done once, by that very code, and a run is forked
from there. Runs for which it would have gone otherwise are forked from the zygote that stayed behind. See
docs/design/latency.md.
"""

from __future__ import annotations

import os
import sys
import zlib
from typing import Any

from rpytest_zygote import holders
from rpytest_zygote.environment import change_environment, environment
from rpytest_zygote.further import Repeats
from rpytest_zygote.going import GoingFurther
from rpytest_zygote.known import is_known
from rpytest_zygote.observe import Variables
from rpytest_zygote.preload import Preloading, Preloads
from rpytest_zygote.streams import written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from rpytest_zygote.firstrun import Inherited
    from rpytest_zygote.going import Wait
    from rpytest_zygote.request import Request

_PARTS = ("main", "_main", "console_main", "_console_main", "_get_prog_name", "_prepareconfig", "get_config")
_MAINS = ("cb6caa55", "e99dd886", "5a91065f", "1660e38b")
"""Checksums of `pytest/__main__.py`: 7.0, 8.0, 8.3, 9.1."""
_CUSTOMIZATION = "usercustomize"
_ZONE = b"TZ"
"""The variable: who sets it sets the time zone too."""


def is_possible(modules: dict[str, Any]) -> bool:
    """Whether it is known what this pytest does until it looks at its arguments, and nobody's own code runs there."""
    with open(os.path.join(os.path.dirname(modules["pytest"].__file__), "__main__.py"), "rb") as file:
        if f"{zlib.crc32(file.read()):08x}" not in _MAINS:
            return False
    config_module = modules["_pytest.config"]
    parts = [vars(config_module)[name] for name in _PARTS if name in vars(config_module)]
    parts.append(config_module.PytestPluginManager.consider_preparse)
    return all(map(is_known, parts)) and not _is_customized()


def _is_customized() -> bool:
    """Whether `site` will find a `usercustomize`."""
    if not sys.modules["site"].ENABLE_USER_SITE:
        return False
    finders: list[Any] = sys.meta_path
    return any(finder.find_spec(_CUSTOMIZATION, None) is not None for finder in finders)


def go(last: Request, inherited: Inherited, wait: Wait) -> GoingAhead:
    """In the process that goes ahead in the place of this run."""
    modules = inherited.shelf.modules()
    if not is_possible(modules):
        os._exit(0)
    plan = Preloads(last, modules) if last.preload else Repeats(last, modules, stage=0)
    going = GoingAhead(modules, wait, plan, last.blocked)
    inherited.shelf.open(going.lose_the_way)
    return going


class GoingAhead:
    """In the process that goes ahead: lets the interpreter's start go on, until pytest has made its configuration."""

    def __init__(
        self, modules: dict[str, ModuleType], wait: Wait, plan: Preloads | Repeats, blocked: list[str]
    ) -> None:
        self._plan = plan
        self._blocked = blocked
        self._modules = modules
        self._module: Any = modules["_pytest.config"]
        self._wait = wait
        self._make = self._module.get_config
        self._read = Variables()
        self._watch = self._read.watch()
        self._environment = environment()
        self._written = written()
        self._compared = {*sys.modules, *modules, "__main__"}

    def become_the_run(self, config: Any = None) -> None:
        """Return to `site`."""
        self._module.get_config = self._get_config
        self._watch.__enter__()

    def lose_the_way(self) -> None:
        """Another `get_config` would be called than the one that has been replaced, and all tests would run."""
        if self._module.get_config != self._make:
            os._exit(0)

    def _get_config(self, arguments: list[str], *others: Any, **keywords: Any) -> Any:
        """What `_prepareconfig` calls: returns in each session, with the arguments of its run."""
        try:
            config, forked, changed = self._stay(arguments, *others, **keywords)
        except BaseException:
            os._exit(0)  # else all tests would run
        forked.become_the_run(config, keeps_zone=_ZONE in changed)
        change_environment(changed)
        arguments[:] = sys.argv[1:]
        object.__setattr__(config.invocation_params, "args", tuple(arguments))
        if isinstance(forked, GoingFurther):
            forked.go_on()
        return config

    def _stay(self, arguments: list[str], *others: Any, **keywords: Any) -> tuple[Any, Any, dict[bytes, bytes | None]]:
        """Make the configuration, and wait; returns in forks, with the variables that were changed on the way."""
        self._module.get_config = self._make
        config = self._make([f"-p{name}" for name in self._blocked], *others, **keywords)
        self._watch.__exit__()
        added = {name: value for name, value in environment().items() if name not in self._environment}
        if self._read.variables is None or self._was_seen(added) or arguments:
            os._exit(0)
        holders.remember(self._modules, config.pluginmanager)
        forked = self._wait({"variables": sorted(self._read.variables)}, b"", self._plan)
        changed: dict[bytes, bytes | None] = {}
        if isinstance(forked, Preloading):
            forked, changed = forked.preload()
        return config, forked, {**changed, **added}

    def _was_seen(self, added: dict[bytes, bytes]) -> bool:
        """Whether more has happened than that variables were added, which can be done again.

        A module whose file the daemon does not compare before every run may have changed by then.
        """
        kept = {name: value for name, value in environment().items() if name not in added}
        return kept != self._environment or written() != self._written or not self._compared.issuperset(sys.modules)
