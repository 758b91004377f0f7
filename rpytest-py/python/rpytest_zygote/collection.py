"""A collection that an inventory has asked for: tells the daemon all that was collected, and what that came from.

The run is `--collect-only`, and its output is not the user's. See docs/design/inventory.md.
"""

from __future__ import annotations

import os
import re
import sys
import time
from typing import Any

from rpytest_zygote import ending
from rpytest_zygote.lesson import Address
from rpytest_zygote.looks import Looks

_INI = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg", "setup.py")
_LOOKS_AT_ALL = (
    "pytest_cmdline_main",
    "pytest_collection",
    "pytest_collection_finish",
    "pytest_collection_modifyitems",
    "pytest_collectstart",
    "pytest_deselected",
    "pytest_itemcollected",
    "pytest_make_collect_report",
)
"""Hooks that may see more than one file, so that part of a collection is not what a part of the project gives."""
_LOOKS_AT_ARGUMENTS = re.compile(
    r"\b(argv|orig_argv|invocation_params|invocation_dir|known_args_namespace|markexpr|file_or_dir)\b"
    r"|[\"'](-k|-m|--deselect|keyword|deselect|args)[\"']|config\.(args|option\b)"
)
_COLLECTED = (0, 5)
"""How pytest ends when it could collect: with tests, or without."""
_BUILT_IN = (list, tuple, dict, set, frozenset, bytes)
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")
_REMEMBERING = ("lf", "failedfirst", "newfirst", "stepwise")
_STARTS = ("PYTHON", "PYTEST", "LC_", "LANG")
_ENVIRONMENT = ("pyvenv.cfg", os.path.join("conda-meta", "history"))
"""What makes pytest pass over a directory."""
_NEVER = {"_", "SHLVL", "PWD", "OLDPWD", "COLUMNS", "LINES", "PYTEST_CURRENT_TEST", "PYTEST_VERSION"}
"""Variables that tell where a command was typed, or are set by pytest itself."""


class Collection:
    """A plugin of pytest's, and what it has seen.

    Unless all arguments are to be `exact`, what the ini file selects by is put aside, so that everything is collected.
    """

    def __init__(self, config: Any, address: Address, exact: bool, modules: dict[str, Any]) -> None:
        self._config = config
        self._address = address
        self._exact = exact
        self._process = os.getpid()
        packages = [os.path.dirname(modules[name].__file__) for name in ("pytest", "_pytest", "pluggy")]
        self._pytest = tuple(package + os.sep for package in [*packages, os.path.dirname(__file__)])
        self._looks = Looks([*packages, os.path.dirname(__file__)])
        self._version = modules["pytest"].__version__
        self._matcher = modules["_pytest.mark"].KeywordMatcher
        self._file_class = modules["pytest"].File
        self._defaults: dict[str, Any] = {"keyword": "", "mark": "", "deselected": []}
        self._collectors: dict[str, None] = {}
        self._errors: list[str] = []
        self._before: list[str] = []
        self._session: Any = None
        self._lines: list[dict[str, Any]] = []
        for name in ("pytest_configure", "pytest_collection_modifyitems"):
            modules["pytest"].hookimpl(tryfirst=True)(getattr(type(self), name))
        config.pluginmanager.register(self, "rpytest-collection")
        ending.at_the_end(self._tell)
        self._began = time.time_ns()
        self._looks.begin()

    def pytest_configure(self, config: Any) -> None:
        """pytest: all options are known."""
        if self._exact:
            return
        option = config.option
        self._defaults = {"keyword": option.keyword, "mark": option.markexpr, "deselected": option.deselect or []}
        option.keyword, option.markexpr, option.deselect = "", "", None

    def pytest_make_collect_report(self, collector: Any) -> None:
        """pytest: something is about to be collected."""
        path = getattr(collector, "path", None)
        if path is not None and isinstance(collector, self._file_class):
            self._collectors[str(path)] = None

    def pytest_collectreport(self, report: Any) -> None:
        """pytest: something was collected, or could not be."""
        if report.failed:
            self._errors.append(report.nodeid)

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """pytest: all items, before anybody has changed them."""
        self._before = [item.nodeid for item in items]

    def pytest_collection_finish(self, session: Any) -> None:
        """pytest: it is known what would run."""
        self._looks.end()
        self._session = session
        items = [self._describe(item) for item in session.items]
        files: dict[str, list[dict[str, Any]]] = {}
        for item in items:
            files.setdefault(item["file"], []).append(item)
        for path in self._collectors:
            files.setdefault(self._relative(path), [])
        facts = self._facts(session, [item["nodeid"] for item in items])
        self._lines = [{"collection": facts}]
        self._lines += [
            {"file": {"path": path, "origins": [self._absolute(path)], "items": items}} for path, items in files.items()
        ]

    def _tell(self) -> None:
        if self._lines and os.getpid() == self._process and int(self._session.exitstatus) in _COLLECTED:
            self._address.tell(self._lines, wait=True)

    def _facts(self, session: Any, order: list[str]) -> dict[str, Any]:
        config = session.config
        doubts = dict(self._looks.doubts)
        if any(_ADDRESS.search(nodeid) for nodeid in order):
            doubts["the name of a test has an address in it"] = None
        for nodeid in self._errors:
            doubts[f"{nodeid or 'something'} could not be collected"] = None
        return {
            "exact": self._exact,
            "began_ns": self._began,
            "rootdir": str(config.rootpath),
            "roots": list(map(_text, _named(config))),
            "pytest": self._version,
            "variables": self._environment(),
            "any_variable": self._looks.variables.variables is None,
            "files": sorted(self._files(config)),
            "directories": sorted(self._directories(config).items()),
            "doubts": list(doubts),
            "indivisible": self._indivisible(config),
            "defaults": self._defaults,
            "strict_marks": bool(getattr(config.option, "strict_markers", False) or getattr(config.option, "strict", False)),
            "is_sorted": order != self._before,
            "order": order,
        }

    def _environment(self) -> list[tuple[str, str | None]]:
        read = self._looks.variables.variables
        names = {name for name in os.environ if read is None or name.startswith(_STARTS)} | (read or set())
        return [(name, _text(os.environ.get(name))) for name in sorted(names - _NEVER)]

    def _files(self, config: Any) -> set[str]:
        """All that decided what was collected, but for the test files."""
        remembers = any(getattr(config.option, name, False) for name in _REMEMBERING)
        cache = str(getattr(getattr(config, "cache", None), "_cachedir", os.devnull)) + os.sep
        files = {file for file in self._looks.files if remembers or not file.startswith(cache)}
        for module in [*sys.modules.values(), *config.pluginmanager.get_plugins()]:
            file = getattr(module, "__file__", None)
            if isinstance(file, str):
                files.add(os.path.abspath(file))
        library = os.path.dirname(os.__file__) + os.sep
        files = {file for file in files if not file.startswith(library) or "-packages" in file}
        files.update((sys.executable, os.__file__, os.path.join(sys.prefix, "pyvenv.cfg")))
        here = [str(config.invocation_params.dir), str(config.rootpath), *_named(config)]
        for directory in {parent for path in here for parent in _with_parents(path)}:
            files.update(os.path.join(directory, name) for name in _INI)
        for entry, names in self._path():
            files.update(
                os.path.join(entry, name, "entry_points.txt")
                for name in names
                if name.endswith((".dist-info", ".egg-info"))
            )
        for directory, names in self._looks.directories.items():
            files.update(
                os.path.join(directory, name, sign)
                for name in names
                for sign in _ENVIRONMENT
                if os.path.join(directory, name) not in self._looks.directories
                and "." not in name
                and os.path.isdir(os.path.join(directory, name))
            )
        ours = tuple(directory for directory in self._pytest[-1:])
        return {_text(file) for file in files - set(self._collectors) if not file.startswith(ours)}

    def _directories(self, config: Any) -> dict[str, list[str]]:
        directories = {name: names for name, names in self._looks.directories.items()}
        directories.update({entry: names for entry, names in self._path() if entry not in directories})
        root = str(config.rootpath)
        for path in self._collectors:
            for parent in _with_parents(os.path.dirname(path)):
                if parent.startswith(root) and parent not in directories:
                    directories[parent] = os.listdir(parent)
        return {_text(name): sorted(map(_text, names)) for name, names in directories.items()}

    def _path(self) -> list[tuple[str, list[str]]]:
        entries = []
        library = os.path.dirname(os.__file__)
        for entry in {os.path.abspath(entry) for entry in sys.path}:
            if os.path.isdir(entry) and entry not in (library, os.path.join(library, "lib-dynload")):
                entries.append((entry, self._looks.directories.get(entry) or os.listdir(entry)))
        return entries

    def _indivisible(self, config: Any) -> list[str]:
        """Why a part of what was collected may not be what a part of the project gives."""
        found: dict[str, None] = {}
        sources = set(self._collectors)
        for name in _LOOKS_AT_ALL:
            for implementation in getattr(config.hook, name).get_hookimpls():
                code = getattr(implementation.function, "__code__", None)
                file = getattr(code, "co_filename", "?")
                if not file.startswith(self._pytest):
                    found[f"{name} in {_text(file)}"] = None
        for plugin in config.pluginmanager.get_plugins():
            module = plugin if hasattr(plugin, "__file__") else sys.modules.get(type(plugin).__module__)
            file = getattr(module, "__file__", None)
            if isinstance(file, str) and not file.startswith(self._pytest):
                sources.add(file)
        for file in sorted(sources):
            if file.endswith(".py") and _reads_arguments(file):
                found[f"{_text(file)} looks at the arguments"] = None
        return list(found)

    def _absolute(self, path: str) -> str:
        return _text(os.path.normpath(os.path.join(str(self._config.rootpath), path)))

    def _relative(self, path: str) -> str:
        return _text(os.path.relpath(path, str(self._config.rootpath)).replace(os.sep, "/"))

    def _describe(self, item: Any) -> dict[str, Any]:
        """The item as `TestItem` of the crate rpytest-core has it."""
        line = item.location[1]
        chain = item.listchain()
        below = [position for position, node in enumerate(chain) if isinstance(node, self._file_class)]
        callspec = getattr(item, "callspec", None)
        return {
            "nodeid": _text(item.nodeid),
            "file": self._relative(str(item.path)),
            "line": line + 1 if isinstance(line, int) and line >= 0 else None,
            "names": [_text(node.name) for node in chain[below[-1] + 1 if below else 0 :]],
            "keywords": sorted(map(_text, self._matcher.from_item(item)._names)),
            "marks": [_mark(mark) for mark in item.iter_markers()],
            "fixtures": [_text(name) for name in getattr(item, "fixturenames", ())],
            "parameters": [
                {"name": _text(name), "value": _value(value)} for name, value in getattr(callspec, "params", {}).items()
            ],
        }


def _named(config: Any) -> list[str]:
    """The paths that are to be collected."""
    here = str(config.invocation_params.dir)
    return [os.path.normpath(os.path.join(here, argument.partition("::")[0])) for argument in config.args]


def _reads_arguments(file: str) -> bool:
    try:
        with open(file, encoding="utf-8", errors="replace") as source:
            return _LOOKS_AT_ARGUMENTS.search(source.read()) is not None
    except OSError:
        return True


def _with_parents(path: str) -> list[str]:
    parents = [path]
    while os.path.dirname(parents[-1]) != parents[-1]:
        parents.append(os.path.dirname(parents[-1]))
    return parents


def _mark(mark: Any) -> dict[str, Any]:
    return {
        "name": _text(mark.name),
        "arguments": [_value(value) for value in mark.args],
        "keywords": [[_text(name), _value(value)] for name, value in mark.kwargs.items()],
    }


def _value(value: object) -> Any:
    kind = type(value)
    if value is None:
        return "none"
    if isinstance(value, str) and kind is str:
        return {"str": _text(value)}
    if kind is bool or (isinstance(value, float) and kind is float and abs(value) < float("inf")):
        return {kind.__name__: value}
    if isinstance(value, int) and kind is int and -(2**63) <= value < 2**63:
        return {"int": value}
    return {"container" if kind in _BUILT_IN else "other": _represent(value)}


def _represent(value: object) -> str:
    try:
        return _text(repr(value))[:200]
    except Exception:
        return f"<{type(value).__name__}>"


def _text(text: Any) -> Any:
    """Without lone surrogates, which hardly any JSON reader takes."""
    return text if text is None else text.encode("utf-8", "backslashreplace").decode()
