"""A run for `--turbo`: only the files that hold selected tests, as an inventory knows them, are collected.

pytest itself selects from what is collected; the tests of the other files are added to its counts. See
docs/design/inventory.md.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Protocol

from rpytest_zygote import hooks
from rpytest_zygote.events import text
from rpytest_zygote.observe import is_traced
from rpytest_zygote.origins import REMEMBERING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


NAME = "rpytest-turbo"
"""Of the plugin."""
_LOGS = ("log_cli", "log_cli_level", "log_file")
"""Options by which what a file logs when it is imported is shown."""


class LeftOut:
    """Stands for tests that were not made, where the deselected are counted."""


class Told(Protocol):
    """Who is told of it."""

    def collects(self, reason: str) -> None:
        """Everything is collected."""


class Turbo:
    """A plugin of pytest's. `plan` is `Turbo` of the crate rpytest-ipc; `modules` are those that are warm; `told`
    hears why everything is collected; `is_ahead`: of a run, which is traced then."""

    def __init__(
        self, config: Any, plan: dict[str, Any], modules: dict[str, Any], told: Told | None, is_ahead: bool = False
    ) -> None:
        self._config = config
        self._is_ahead = is_ahead
        self._modules = modules
        self._told = told
        self._root: str = plan["rootdir"]
        self._kept: set[str] = set()
        self._keep(plan["kept"])
        self._paths: list[tuple[str, str]] = list(plan["paths"])
        self._known: int = plan["known"]
        self._selected: list[str] = plan["selected"]
        directories = [os.path.dirname(modules[name].__file__) for name in ("pytest", "_pytest", "pluggy")]
        self._own = tuple(directory + os.sep for directory in [*directories, os.path.dirname(__file__)])
        self._active = False
        first = modules["pytest"].hookimpl(tryfirst=True)
        for hook in ("collection", "ignore_collect", "make_collect_report", "collection_finish"):
            first(getattr(Turbo, f"pytest_{hook}"))
        config.pluginmanager.register(self, NAME)

    def pytest_collection(self) -> None:
        """pytest: all plugins are there, but for those of files that are yet to be collected."""
        reasons = [*hooks.foreign(self._config, hooks.SEE_FILES, self._own), *self._others()]
        if reasons:
            if self._told is not None:
                self._told.collects(reasons[0])
            return
        last_failed = getattr(self._config.pluginmanager.getplugin("lfplugin"), "lastfailed", {})
        self._keep(map(str, last_failed))  # a file that could not be collected is forgotten once it can
        here = str(self._config.invocation_params.dir)
        self._keep(os.path.join(here, named.partition("::")[0]) for named in self._config.args)
        self._active = True
        for name in ("_pytest.main", "_pytest.python"):
            self._shorten_listings(sys.modules[name])

    def pytest_ignore_collect(self, collection_path: Any) -> bool | None:
        """pytest: whether not to collect this; it goes on asking if the answer is None."""
        path = str(collection_path)
        is_candidate = self._active and (path.endswith(".py") or os.path.isdir(collection_path))
        return True if is_candidate and self._is_left_out(path) else None

    def pytest_make_collect_report(self, collector: Any) -> None:
        """pytest: this is collected now."""
        if self._active:
            self._extend_path(getattr(collector, "path", None))

    def pytest_collection_finish(self, session: Any) -> None:
        """pytest: it is known what would run, and about to be told."""
        if not self._active or sys.exc_info()[0] is not None:  # of several errors pytest tells the first
            return
        self._extend_path(None)
        selected = [text(item.nodeid) for item in session.items]
        others = list(hooks.foreign(self._config, hooks.SEE_FILES, self._own))
        # In another order than before where that follows from a set: it is another one in each process.
        if sorted(selected) != sorted(self._selected) or session.testsfailed or others:
            because = others[0] if others else "in other company the test files that hold them have other tests"
            raise self._modules["pytest"].UsageError(f"--turbo cannot select these tests, run without it: {because}")
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            left_out = self._known - reporter._numcollected
            reporter._numcollected = self._known
            if left_out > 0:
                self._config.hook.pytest_deselected(items=[LeftOut()] * left_out)

    def _shorten_listings(self, module: Any) -> None:
        """What will be ignored need not be made a path of before: for large directories."""
        if not hasattr(module, "scandir"):  # pytest 7
            return
        scan = module.scandir

        def scandir(*arguments: Any) -> list[os.DirEntry[str]]:
            entries: list[os.DirEntry[str]] = scan(*arguments)
            return [entry for entry in entries if not (entry.name.endswith(".py") and self._is_left_out(entry.path))]

        module.scandir = scandir

    def _is_left_out(self, path: str) -> bool:
        return text(path) not in self._kept and not path.endswith(os.sep + "__init__.py")

    def _others(self) -> list[str]:
        """Why else everything has to be collected."""
        config = self._config
        if text(str(config.rootpath)) != self._root:
            return ["another rootdir than before"]
        if is_traced() and not self._is_ahead:
            return ["something traces what is imported"]
        remembering = [name for name in REMEMBERING if getattr(config.option, name, False)]
        if remembering:
            return [f"{remembering[0]} is set"]
        if not config.pluginmanager.hasplugin("logging-plugin"):
            return []
        logs = [name for name in _LOGS if getattr(config.option, name, None) or config.getini(name)]
        return [f"{name} is set" for name in logs]

    def _extend_path(self, path: Any) -> None:
        """Put first on `sys.path` what files that come before this one, and are left out, would have put there."""
        while self._paths and (path is None or _order(self._absolute(self._paths[0][0])) < _order(text(str(path)))):
            file, directory = self._paths.pop(0)
            if self._absolute(file) not in self._kept and sys.path[0] != directory:
                sys.path.insert(0, directory)

    def _keep(self, paths: Iterable[str]) -> None:
        """These, and the directories that hold them."""
        for path in map(self._absolute, paths):
            while path not in self._kept and path != os.path.dirname(path):
                self._kept.add(path)
                path = os.path.dirname(path)

    def _absolute(self, path: str) -> str:
        return os.path.normpath(os.path.join(self._root, path))


def _order(path: str) -> list[tuple[bool, str]]:
    """What pytest sorts by when it collects: directories and files by name, an `__init__.py` first."""
    return [(name != "__init__.py", name) for name in path.split(os.sep)]
