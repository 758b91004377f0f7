"""A collection that an inventory has asked for: tells the daemon all that was collected, and what that came from.

The run is `--collect-only`, and its output is not the user's. See docs/design/inventory.md.
"""

from __future__ import annotations

import json
import os
import re
import time
from importlib.machinery import SourceFileLoader
from typing import Any

from rpytest_zygote import described, ending, events
from rpytest_zygote.lesson import Address
from rpytest_zygote.looks import Looks
from rpytest_zygote.origins import Origins
from rpytest_zygote.readers import Readers
from rpytest_zygote.traces import Traces

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rpytest_zygote.observe import StartUp

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")
_DRAWN = 8
"""Letters that `tempfile` draws for a name."""
_COLLECTED = (0, 5)
"""How pytest ends when it could collect: with tests, or without."""


class Collection:
    """A plugin of pytest's, and what it has seen.

    `what` is to be collected is a word of `Collect` of the crate rpytest-ipc: unless it is `exact`, what the ini file
    selects by is put aside. `start_up` tells of the environment.
    """

    def __init__(self, config: Any, address: Address, what: str, modules: dict[str, Any], start_up: StartUp) -> None:
        self._config = config
        self._address = address
        self._what = what
        self._process = os.getpid()
        self._modules = modules
        directories = [os.path.dirname(modules[name].__file__) for name in ("pytest", "_pytest", "pluggy")]
        self._own = tuple(directory + os.sep for directory in [*directories, os.path.dirname(__file__)])
        self._looks = Looks(self._own, start_up)
        Readers(config, self._looks)
        self._defaults: dict[str, Any] = {"keyword": "", "mark": "", "deselected": []}
        self._collectors: dict[str, None] = {}
        self._traces = Traces(config)
        self._session: Any = None
        self._lines: list[dict[str, Any]] = []
        modules["pytest"].hookimpl(tryfirst=True)(Collection.pytest_configure)
        modules["pytest"].hookimpl(tryfirst=True, hookwrapper=True)(Collection.pytest_make_collect_report)
        config.pluginmanager.register(self, "rpytest-collection")
        ending.at_the_end(self._tell)
        _write_no_bytecode(modules["_pytest.assertion.rewrite"])
        self._began = time.time_ns()
        self._looks.begin()

    def pytest_configure(self, config: Any) -> None:
        """pytest: all options are known."""
        if self._what == "exact":
            return
        option = config.option
        self._defaults = {"keyword": option.keyword, "mark": option.markexpr, "deselected": option.deselect or []}
        option.keyword, option.markexpr, option.deselect = "", "", None

    def pytest_make_collect_report(self, collector: Any) -> Iterator[None]:
        """pytest: around the collection of something."""
        file = collector.getparent(self._modules["pytest"].File)
        if file is collector:
            self._collectors[str(file.path)] = None
        self._traces.before()
        result: Any = yield
        if file is not None:
            self._traces.after(self._relative(file.path), result.get_result())

    def pytest_report_collectionfinish(self) -> None:
        """pytest: it is about to tell what would run. Some hooks come before that, and some behind it."""
        self._take(self._config.pluginmanager.getplugin("session"))

    def pytest_collection_finish(self, session: Any) -> None:
        """pytest: it is known what would run, and perhaps nobody tells it."""
        if self._session is None:
            self._take(session)

    def _take(self, session: Any) -> None:
        self._looks.end()
        self._session = session
        if not _is_text("".join(item.nodeid for item in session.items)):
            return  # what pytest writes of such names depends on where it writes to
        file_class, matcher = self._modules["pytest"].File, self._modules["_pytest.mark"].KeywordMatcher
        items = [described.item(item, self._relative(item.path), file_class, matcher) for item in session.items]
        files: dict[str, list[dict[str, Any]]] = {self._relative(path): [] for path in self._collectors}
        for item in items:
            files.setdefault(item["file"], []).append(item)
        self._lines = [{"collection": self._facts([item["nodeid"] for item in items], files)}]
        for path, tests in files.items():
            self._lines.append({"file": {"path": path, "origins": [self._absolute(path)], "items": tests}})

    def _tell(self, _: object) -> None:
        if self._lines and os.getpid() == self._process and int(self._session.exitstatus) in _COLLECTED:
            self._address.tell(self._lines, wait=True)

    def _facts(self, order: list[str], files: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
        origins = Origins(self._config, self._looks, self._collectors, self._own)
        doubts = [*self._looks.doubts, *origins.drawn_by_plugins()]
        doubts += [
            f"{events.text(name)} has gone meanwhile"
            for name in sorted(self._looks.present)
            if not os.path.exists(name)
        ]
        if any(_ADDRESS.search(nodeid) for nodeid in order):
            doubts.append("the name of a test has an address in it")
        if self._looks.drawn and _has_any(self._looks.drawn, files):
            doubts.append("a test has the name of a temporary file")
        return {
            "all": self._what == "all",
            "began_ns": self._began,
            "rootdir": events.text(str(self._config.rootpath)),
            "pytest": self._modules["pytest"].__version__,
            "variables": origins.environment(),
            "any_variable": self._looks.variables.variables is None,
            "files": origins.files(),
            "directories": origins.directories(),
            "kinds": origins.kinds(),
            "doubts": doubts,
            "indivisible": origins.indivisible(),
            "inseparable": origins.inseparable(),
            "needed": list(self._traces.needed),
            "bytecode": sorted(map(events.text, self._looks.bytecode)),
            "paths": [(file, events.text(directory)) for file, directory in self._traces.paths],
            "defaults": self._defaults,
            "strict_marks": origins.strict_marks(),
            "order": order,
        }

    def _relative(self, path: Any) -> str:
        return events.text(os.path.relpath(path, str(self._config.rootpath)).replace(os.sep, "/"))

    def _absolute(self, path: str) -> str:
        return os.path.normpath(os.path.join(events.text(str(self._config.rootpath)), path))


def _write_no_bytecode(rewrite: Any) -> None:
    """Of what the compiler has warned when it made some, it does not warn again. Everybody may see
    `sys.dont_write_bytecode`, and some do not write other files then."""
    loader: Any = SourceFileLoader
    loader._cache_bytecode = lambda *_: None
    rewrite.try_makedirs = lambda _: False


def _is_text(text: str) -> bool:
    return events.text(text) == text


def _has_any(names: Iterable[str], tests: object) -> bool:
    told = json.dumps(tests)  # of names that are no ASCII, too, what was drawn is
    parts = (name[at : at + _DRAWN] for name in names for at in range(len(name) - _DRAWN + 1))
    return any(part in told for part in parts)
