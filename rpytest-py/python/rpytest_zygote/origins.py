"""What a collection came from, beside the test files themselves. See docs/design/inventory.md."""

from __future__ import annotations

import glob
import os
import re
import sys
from contextlib import suppress
from typing import Any

from rpytest_zygote import hooks
from rpytest_zygote.events import text
from rpytest_zygote.observe import absent_entries, path_files
from rpytest_zygote.places import directories_in, entries, is_installed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rpytest_zygote.looks import Looks

_INI = (
    *("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini"),
    *("pyproject.toml", "tox.ini", "setup.cfg", "setup.py"),
)
_ENVIRONMENT = ("pyvenv.cfg", os.path.join("conda-meta", "history"))
"""What makes pytest pass over a directory."""
_COUNTS = re.compile(r"\b(deselected|_numcollected)\b")
_REPORTER = re.compile("reporter", re.IGNORECASE)
_PARAMETERS, _PASSED_ON = re.compile(r"\bdef \w+\([^)]*\)"), re.compile(r"\bterminalreporter\b(?!\.)")
"""Where it is passed on, it may be anywhere in a project, by another name."""
_STATS = re.compile(r"""\.stats\b(?!(\.get\(|\[)\s*["'](?!deselected["'])[^"']+["'])|["']stats["']""")
"""By these one comes to all that pytest has counted; not by the name of something else than what was deselected."""
REMEMBERING = ("lf", "failedfirst", "newfirst", "stepwise")
"""Options by which pytest's cache decides."""
_STARTS = ("PYTHON", "PYTEST", "LC_", "LANG", "TZ")
"""Variables that matter though nobody may have been seen to read them."""
_OF_THE_SHELL = {"_", "SHLVL", "PWD", "OLDPWD", "COLUMNS", "LINES"}
"""Those that say where a command was typed: they matter to who reads them by name."""


class Origins:
    """`collectors` are the files that were collected; `own` the directories of pytest and of this package."""

    def __init__(self, config: Any, looks: Looks, collectors: Iterable[str], own: tuple[str, ...]) -> None:
        self._config = config
        self._looks = looks
        self._collectors = set(collectors)
        self._own = own
        self._library = os.path.dirname(os.__file__) + os.sep
        here = str(config.invocation_params.dir)
        named = [os.path.normpath(os.path.join(here, argument.partition("::")[0])) for argument in config.args]
        self._named = [here, str(config.rootpath), *named]
        self._on_path: dict[str, list[str]] | None = None

    def environment(self) -> list[tuple[str, str | None]]:
        """The variables that matter, with their values."""
        read = self._looks.variables.variables
        given = self._looks.environment
        names = {name for name in given if name.startswith(_STARTS)} | self._looks.variables.named
        if read is None:
            names |= given.keys() - _OF_THE_SHELL
        values = {name: given.get(name) for name in sorted(names)}
        return [(text(name), value if value is None else text(value)) for name, value in values.items()]

    def files(self) -> list[str]:
        """What was read or looked for, and what was imported."""
        remembers = any(getattr(self._config.option, name, False) for name in REMEMBERING)
        cache = str(getattr(getattr(self._config, "cache", None), "_cachedir", os.devnull)) + os.sep
        files = {file for file in self._looks.files if remembers or not file.startswith(cache)} | self._looks.by_others
        for module in [*sys.modules.values(), *self._config.pluginmanager.get_plugins()]:
            file = getattr(module, "__file__", None)
            if isinstance(file, str):
                files.add(os.path.abspath(file))
        files = set(filter(self._is_not_of_the_library, files))
        files.update((sys.executable, os.__file__, os.path.join(sys.prefix, "pyvenv.cfg")))
        for directory in {parent for path in self._named for parent in _with_parents(path)}:
            files.update(os.path.join(directory, name) for name in _INI)
        files.update(os.path.join(directory, "conftest.py") for directory in self._initial_directories())
        files.update(self._missing_test_paths())
        files.update(entry for entry in self._entries() if not os.path.isdir(entry))
        files.update(path_files(), absent_entries(), self._distributions(), self._signs_of_environments())
        files.update(self._possible_packages())
        ours = os.path.dirname(__file__) + os.sep
        return sorted(text(file) for file in files - self._collectors if not file.startswith(ours))

    def directories(self) -> list[tuple[str, list[str]]]:
        """Directories with the names that were in them."""
        directories = {**self._path(), **self._looks.directories}
        root = str(self._config.rootpath)
        for path in self._collectors:
            for parent in _with_parents(os.path.dirname(path)):
                if parent.startswith(root) and parent not in directories:
                    directories[parent] = entries(parent)
        for pattern in self._test_paths():
            for directory in filter(os.path.isdir, glob.glob(os.path.dirname(pattern), recursive=True)):
                with suppress(OSError):  # pytest finds nothing there either
                    directories.setdefault(directory, entries(directory))
        return sorted((text(name), sorted(map(text, names))) for name, names in directories.items())

    def kinds(self) -> list[tuple[str, str]]:
        """Paths of which somebody has asked whether something is there, and what was."""
        paths = {path: kind for path, kind in self._looks.kinds.items() if self._is_not_of_the_library(path)}
        return sorted((text(path), text(kind)) for path, kind in paths.items())

    def indivisible(self) -> list[str]:
        """Why a part of what was collected may not be what a selection gives."""
        found = hooks.foreign(self._config, hooks.SEE_ALL, self._own)
        for name in REMEMBERING:  # after all other selection
            if getattr(self._config.option, name, False):
                found[f"{name} is set"] = None
        found.update((f"{text(file)} looks at the arguments", None) for file in sorted(self._looks.readers))
        found.update(dict.fromkeys(hooks.of_the_project(self._config, hooks.SEE_ARGUMENTS, self._own)))
        return list(found)

    def inseparable(self) -> list[str]:
        """Why not even a file that holds no selected test may be left out of a collection."""
        found = hooks.foreign(self._config, hooks.SEE_FILES, self._own)
        found.update((f"{text(file)} looks at what was deselected", None) for file in self._look_at_counts())
        found.update((f"{text(file)} looks whether tests are only collected", None) for file in self._looks.only_here)
        if getattr(self._config.option, "capture", "no") == "no":
            found["what test files print when they are imported is not captured"] = None
        return list(found)

    def drawn_by_plugins(self) -> list[str]:
        """Doubts for what installed plugins do that have a say in which tests there are."""
        packages = hooks.installed_packages(self._config, hooks.COLLECTING)
        return [
            f"{file} {what} while it is collected"
            for file, what in self._looks.by_plugins
            if hooks.package(file) in packages
        ]

    def strict_marks(self) -> bool:
        """Whether a mark that is not registered is an error."""
        values = [getattr(self._config.option, name, False) for name in ("strict_markers", "strict")]
        for name in ("strict_markers", "strict"):
            with suppress(ValueError, KeyError):  # not an option of this pytest
                values.append(self._config.getini(name))
        return any(values)

    def _is_not_of_the_library(self, path: str) -> bool:
        return not path.startswith(self._library) or "-packages" in path

    def _possible_packages(self) -> Iterator[str]:
        """What would make packages of directories, which are imported rather than modules of that name."""
        for entry, names in self._path().items():
            directories = filter(str.isidentifier, directories_in(names))
            if not is_installed(os.path.join(entry, "")):
                yield from (os.path.join(entry, name, "__init__.py") for name in directories)

    def _entries(self) -> set[str]:
        """Where the import system looks, and where it has looked for what is not installed: in packages, and in what is
        no longer on `sys.path`."""
        entries = set(map(os.path.abspath, sys.path))
        looked = set(map(os.path.abspath, sys.path_importer_cache))
        return entries | {
            entry for entry in looked if not entry.startswith((self._library, *self._own)) and not is_installed(entry)
        }

    def _path(self) -> dict[str, list[str]]:
        """The directories that a module or a plugin may come to, and be imported instead, with the names in them."""
        if self._on_path is None:
            library = (self._library[:-1], os.path.join(self._library, "lib-dynload"))
            directories = [each for each in self._entries() if each not in library and os.path.isdir(each)]
            self._on_path = {each: self._looks.directories.get(each) or entries(each) for each in directories}
        return self._on_path

    def _distributions(self) -> Iterator[str]:
        """Where installed distributions name their plugins and their files."""
        for entry, names in self._path().items():
            for name in directories_in(names):
                if name.endswith((".dist-info", ".egg-info")):
                    yield os.path.join(entry, name, "entry_points.txt")
                    yield os.path.join(entry, name, "RECORD")

    def _signs_of_environments(self) -> Iterator[str]:
        """What may make of a directory that was passed over one that is not, or the other way round."""
        for directory, names in self._looks.directories.items():
            for name in directories_in(names):
                yield from (os.path.join(directory, name, sign) for sign in _ENVIRONMENT)

    def _initial_directories(self) -> Iterator[str]:
        """Whose conftest files pytest reads before it collects, wherever else it may not look."""
        for directory in filter(os.path.isdir, self._named):
            yield from glob.glob(os.path.join(glob.escape(directory), "test*", ""))

    def _test_paths(self) -> Iterator[str]:
        """What the ini file names, and all that leads there."""
        for pattern in self._config.getini("testpaths"):
            here = glob.escape(str(self._config.invocation_params.dir))
            path = os.path.normpath(os.path.join(here, pattern))
            while path.startswith(here + os.sep):
                yield path
                path = os.path.dirname(path)

    def _missing_test_paths(self) -> Iterator[str]:
        """What would be one if it were there."""
        for pattern in self._test_paths():
            directory, name = os.path.split(pattern)
            paths = (os.path.join(each, name) for each in glob.glob(directory, recursive=True))
            yield from (path for path in paths if not os.path.exists(path))

    def _sources(self) -> set[str]:
        """Python files of tests, conftests and plugins."""
        sources = set(self._collectors)
        for plugin in self._config.pluginmanager.get_plugins():
            module = plugin if hasattr(plugin, "__file__") else sys.modules.get(type(plugin).__module__)
            file = getattr(module, "__file__", None)
            if isinstance(file, str) and not file.startswith(self._own):
                sources.add(file)
        return {file for file in sources if file.endswith(".py")}

    def _look_at_counts(self) -> Iterator[str]:
        """Files with code that looks at what was deselected, beside functions that are known."""
        known = hooks.known(self._config, "pytest_terminal_summary")
        sources, helpers = self._sources(), self._helpers()
        words = {file: _words(file, known.get(file, [])) for file in sorted(sources | helpers)}
        uses = (_PARAMETERS.sub("", words[file]) for file in sources if not is_installed(file))
        is_passed_on = any(map(_PASSED_ON.search, uses))
        for file, found in words.items():
            may_have_it = (is_passed_on and not is_installed(file)) or _REPORTER.search(found)
            if (may_have_it and _STATS.search(found)) or (file in sources and _COUNTS.search(found)):
                yield file

    def _helpers(self) -> set[str]:
        """Modules of the project, and what installed plugins consist of beside the plugins themselves."""
        packages = set(filter(None, map(hooks.package, self._sources())))
        files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
        return {
            file
            for file in files
            if isinstance(file, str)
            and file.endswith(".py")
            and not file.startswith(self._own)
            and self._is_not_of_the_library(file)
            and (not is_installed(file) or hooks.package(file) in packages)
        }


def _words(file: str, known: list[str]) -> str:
    """What is in a file beside functions that are known."""
    try:
        with open(file, encoding="utf-8", errors="replace") as source:
            words = source.read()
    except OSError:
        return "deselected"  # for all that is known of it
    for function in known:
        words = words.replace(function, "")
    return words


def _with_parents(path: str) -> list[str]:
    parents = [path]
    while os.path.dirname(parents[-1]) != parents[-1]:
        parents.append(os.path.dirname(parents[-1]))
    return parents
