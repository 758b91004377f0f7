"""What a zygote's start depended on, so that the daemon can tell when it would come out differently now.

See docs/design/zygote.md.
"""

from __future__ import annotations

import builtins
import os
import sys

from rpytest_zygote.anew import telling_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_TOO_NEW = (3, 14)
_TASKS = "/proc/self/task"
_DESCRIPTORS = "/proc/self/fd"
_OWN_DESCRIPTORS = 5
"""The standard streams, the control socket, and that of the listing itself."""
_KNOWN_LINES = {
    # setuptools: distutils-precedence.pth
    "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == 'local'; "
    "enabled and __import__('_distutils_hack').add_shim();": ("SETUPTOOLS_USE_DISTUTILS",),
    # virtualenv: _virtualenv.pth
    "import _virtualenv": (),
}
"""Lines of `.pth` files that are code, with the variables that they read."""
_CODE = ("import ", "import\t")
"""How such lines begin."""
_OURS = (b"PYTHONPATH", b"_RPYTEST_ZYGOTE")
"""Variables that are not as given because of us."""


class Variables:
    """Which environment variables were read; None once something may have read any of them."""

    def __init__(self) -> None:
        self.variables: set[str] | None = set()

    def one(self, name: str | bytes) -> None:
        """Something looked for this one."""
        if self.variables is not None:
            self.variables.add(os.fsdecode(name))

    def everything(self) -> None:
        """Something read the whole environment."""
        self.variables = None

    def watch(self) -> Watch:
        """Watch reads of `os.environ` for the length of a `with` block."""
        return Watch(self)


class StartUp(Variables):
    """Collects which environment variables start-up code and warm imports read.

    Any of them is what a line of a `.pth` file that is code we do not know may have read, and a `sitecustomize` of the
    environment's own. `customization` is the file of that. `changes` are the variables that all of that has set, or
    removed. `anew` is why each run must execute all of that itself, where it must.
    """

    def __init__(self) -> None:
        super().__init__()
        self.customization: str | None = None
        self.missing: set[str] = set()
        self.changes: dict[bytes, bytes | None] = {}
        self.anew: str | None = None
        unknown = []
        for line in _code_lines():
            if line in _KNOWN_LINES:
                for name in _KNOWN_LINES[line]:
                    self.one(name)
            elif not _installs_an_editable_finder(line):
                unknown.append(line)
        if unknown:
            self.everything()
            self.must_run_anew(telling_word(unknown))

    def must_run_anew(self, why: str | None) -> None:
        """Start-up code was found to use this, if anything."""
        if why is not None:
            self.anew = f"its start-up code uses {why}: each run must execute it anew"

    def note_changes(self) -> None:
        """Compare `os.environ` with what the interpreter was given, where the system tells that."""
        environment: Any = os.environ
        try:
            with open("/proc/self/environ", "rb", buffering=0) as file:
                given = [variable.partition(b"=") for variable in file.readall().split(b"\0")[:-1]]
        except OSError:
            return
        now, then = environment._data, {name: value for name, _, value in given}
        then.pop(b"PYTEST_ADDOPTS", None)  # see `start`
        if b"_RPYTEST_OPTIONS" in then:
            then[b"PYTEST_ADDOPTS"] = then.pop(b"_RPYTEST_OPTIONS")
        changed = [name for name in {**now, **then} if now.get(name) != then.get(name)]
        self.changes = {name: now.get(name) for name in changed if name not in _OURS}

    def note_missing(self) -> MissingModules:
        """Note, for the length of a `with` block, the top-level modules that were looked for in vain."""
        return MissingModules(self.missing)


class MissingModules:
    """The last finder there is: what is asked for here nobody has found."""

    def __init__(self, names: set[str]) -> None:
        self._names = names

    def __enter__(self) -> None:
        sys.meta_path.append(self)

    def __exit__(self, *_: object) -> None:
        sys.meta_path.remove(self)

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        """Called by the import system."""
        if path is None:
            self._names.add(name)


class Requests:
    """Notes every module that is asked for, whether it is imported already or not, by replacing `__import__`.

    Thousands are, before the first run: so they are noted as they are, and `names` is what they come to.
    """

    def __init__(self) -> None:
        self._asked: list[tuple[str, Any, Any, int]] = []
        self._builtins: Any = builtins
        self._import = builtins.__import__

    def __enter__(self) -> Requests:
        real, note = self._import, self._asked.append

        def noting(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
            module = real(name, globals, locals, fromlist, level)
            note((name, globals, fromlist, level))
            return module

        self._builtins.__import__ = noting
        return self

    def __exit__(self, *_: object) -> None:
        self._builtins.__import__ = self._import

    def names(self) -> set[str]:
        """With the packages that they are in, and what was asked for in them, module or not."""
        resolve = sys.modules["_frozen_importlib"]._resolve_name
        asked = {
            (resolve(name, globals["__package__"], level) if level else name, *(fromlist or ()))
            for name, globals, fromlist, level in self._asked
        }
        names: set[str] = set()
        for path, *children in asked:
            names.update([f"{path}.{child}" for child in children])
            while path and path not in names:
                names.add(path)
                path = path.rpartition(".")[0]
        return names


class Watch:
    """Reports what is read of `os.environ` by replacing methods of its class, and puts them back."""

    def __init__(self, read: Variables) -> None:
        self._read = read
        self._class: Any = type(os.environ)
        self._get_item = self._class.__getitem__
        self._iterate = self._class.__iter__

    def __enter__(self) -> None:
        read, get_item, iterate = self._read, self._get_item, self._iterate

        def read_one(environment: Any, name: str) -> Any:
            read.one(name)
            return get_item(environment, name)

        def read_all(environment: Any) -> Any:
            read.everything()
            return iterate(environment)

        self._class.__getitem__ = read_one
        self._class.__iter__ = read_all

    def __exit__(self, *_: object) -> None:
        self._class.__getitem__ = self._get_item
        self._class.__iter__ = self._iterate


def obstacle() -> str | None:
    """What makes this interpreter one that must not be forked; None where nothing does."""
    if sys.implementation.name != "cpython" or sys.version_info >= _TOO_NEW:
        return f"{sys.implementation.name} {sys.version_info[0]}.{sys.version_info[1]} has not been tried"
    if is_traced():
        return "its start installs a trace function, which must see all that is imported"
    if os.path.isdir(_TASKS) and len(os.listdir(_TASKS)) > 1:
        return "its start starts threads, which a fork does not have"
    if os.path.isdir(_DESCRIPTORS) and len(os.listdir(_DESCRIPTORS)) > _OWN_DESCRIPTORS:
        return "its start leaves files open, which a session does not have"
    return None


def is_traced() -> bool:
    """Whether somebody watches what is executed."""
    monitoring = getattr(sys, "monitoring", None)
    is_monitored = monitoring is not None and any(monitoring.get_tool(number) is not None for number in range(6))
    return sys.gettrace() is not None or sys.getprofile() is not None or is_monitored


def path_files() -> list[str]:
    """Every `.pth` file that `site` read: those in the directories of `sys.path` that are its own."""
    return [os.path.join(directory, name) for directory in site_directories() for name in _path_file_names(directory)]


def site_directories() -> list[str]:
    """The directories in which `site` looks for `.pth` files, present or not."""
    site = sys.modules["site"]
    directories: list[str] = list(site.getsitepackages())
    return [*directories, site.USER_SITE] if site.ENABLE_USER_SITE else directories


def absent_entries() -> set[str]:
    """What lines of `.pth` files name that is not there: `site` would add it to `sys.path`, if it were."""
    lines = (line for line in _lines() if line[1].strip() and not line[1].startswith(("#", *_CODE)))
    entries = {os.path.abspath(os.path.join(directory, name)) for directory, name in lines if "\0" not in name}
    return {entry for entry in entries if not os.path.exists(entry)}


def _path_file_names(directory: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(directory) if name.endswith(".pth"))
    except OSError:
        return []


def _code_lines() -> Iterator[str]:
    yield from (line for _, line in _lines() if line.startswith(_CODE))


def _lines() -> Iterator[tuple[str, str]]:
    """The lines of `.pth` files, each with the directory of its file."""
    for path in path_files():
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                lines = file.read().lstrip("\ufeff").splitlines()  # the codec for that mark is a module
        except OSError:
            continue
        yield from ((os.path.dirname(path), line.rstrip()) for line in lines)


def _installs_an_editable_finder(line: str) -> bool:
    """Setuptools' line for an editable install: it reads no variable."""
    module, separator, call = line[len("import ") :].partition("; ")
    return bool(separator) and module.startswith("__editable___") and call == f"{module}.install()"
