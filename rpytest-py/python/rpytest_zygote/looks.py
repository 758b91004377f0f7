"""What a collection looks at, so that it is known when it would come out differently.

Only for a collection that an inventory has asked for, whose process serves nothing else: the audit hook stays. See
docs/design/inventory.md.
"""

from __future__ import annotations

import _random
import os
import re
import sys
from typing import Any

from rpytest_zygote.observe import Variables, is_traced
from rpytest_zygote.places import ALL_COUNT, entries, is_installed, is_kept, kind, source_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType

    from rpytest_zygote.observe import StartUp

_ACCESS = os.O_WRONLY | os.O_RDWR
_NEW = os.O_TRUNC | os.O_EXCL | os.O_DIRECTORY
"""With one of these, a file that can be written has nothing to read; the last is for temporary ones."""
_BEYOND = {
    "os.exec": "starts a program",
    "os.fork": "starts a process",
    "os.forkpty": "starts a process",
    "os.posix_spawn": "starts a program",
    "os.system": "starts a program",
    "socket.connect": "connects to somewhere",
    "socket.getaddrinfo": "looks up a host",
    "socket.gethostbyname": "looks up a host",
    "sqlite3.connect": "opens a database",
    "subprocess.Popen": "starts a program",
}
"""Audit events after which it cannot be known whether the next collection would be the same."""
_DRAWN = ("tempfile.mkdtemp", "tempfile.mkstemp")
_ATTRIBUTES = ("os.getxattr", "os.listxattr")
_EVENTS = {"open", "os.listdir", "os.scandir", *_ATTRIBUTES, *_DRAWN, *_BEYOND}
_ELAPSED = {"monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"}
"""Clocks by which packages measure how long something took, or wait."""
_CLOCK = {"time", "time_ns", "localtime", "gmtime", "ctime", "asctime", "strftime", *_ELAPSED}
_CLOCK |= {f"{clock}{unit}" for clock in ("clock_gettime", "process_time", "thread_time") for unit in ("", "_ns")}
_TODAY = {"now", "today", "utcnow"}
_MOMENTS = {"Timestamp", "to_datetime", "date_range", "datetime64"}
"""What makes moments of these words in pandas and NumPy."""
_FILES = {"stat", "lstat", "access", "readlink"}
_NUMBERS = {"random", "getrandbits"}
_OF_MOMENTS = {
    "getpid": "asks for the number of its process",
    "getppid": "asks for the number of its process",
    "getloadavg": "asks how busy the machine is",
    "getprofile": "looks for a profiler",
    "getpriority": "asks for its priority",
    "nice": "asks for its priority",
    "getrlimit": "asks for its limits",
    "getrusage": "asks for the time",
    "sched_getaffinity": "asks for its processors",
    "statvfs": "asks how full a disk is",
    "fstatvfs": "asks how full a disk is",
    "times": "asks for the time",
    "umask": "asks for the mode of new files",
}
"""Functions in C that tell what is another thing in another process, or soon."""
_WITH_MOMENTS = ("posix", "resource", "sys")
"""Their modules."""
_THREADS = {"start_new_thread", "start_joinable_thread"}
_PATHS = ("newpath", "path", "filename", "fn", "s", "self")
"""What the functions of the standard library that look at a file call its path."""
_CALLS = {*_CLOCK, *_TODAY, *_FILES, *_NUMBERS, *_THREADS, "seed", "urandom", "getrandom", "generate_time_safe"}
_CALLS |= {*_OF_MOMENTS}
_IMPORTLIB = "<frozen importlib"
_INNOCENT = ("_strptime.py", "platform.py", "tempfile.py", "logging/__init__.py", "importlib/metadata/__init__.py")
"""Files of the standard library that format known moments, ask what machine this is, draw names (`Looks.drawn`), stamp
messages, and keep what directories hold until their times change: the names in them count anyway."""
_INNOCENT_PACKAGE = "-packages/sqlalchemy/pool/base.py"
"""Stamps connections."""
_ARGUMENTS = {"argv", "orig_argv"}
"""What code that reads the command's arguments has among its names or texts."""
_PRESENCE = {"exists", "lexists", "isfile", "isdir", "islink", "realpath", "_joinrealpath"}
_OF_PATHS = {"exists", "is_dir", "is_file", "is_symlink"}
"""Functions of `os.path`, and methods of `pathlib`, that tell what is there, but not of when."""
_READS_ARGUMENTS = re.compile(r"\bsys\.(orig_)?argv\b|\bfrom sys import\b")


class _Named(Variables):
    """Those that were read by name, whatever else was read."""

    def __init__(self) -> None:
        super().__init__()
        self.named: set[str] = set()

    def one(self, name: str | bytes) -> None:
        """Something looked for this one."""
        super().one(name)
        self.named.add(os.fsdecode(name))


class Looks:
    """Watches from `begin` to `end`.

    `files` were read or looked at, `by_others` are those of them that were opened for others than pytest itself, and
    `present` those that were there to be opened. `bytecode` was executed in place of a source. `kinds` is what was at
    paths of which no more was asked than that they are there, `drawn` are the names of temporary files. `directories`
    were listed, with the names that were in them before. `doubts` are things that the user's own code did after which
    nobody can know; `by_plugins` are such of installed plugins: a file, and what it did. `readers` are files whose code
    may have read the command's arguments, `only_here` such that ask whether tests are only collected. `own` are the
    directories of pytest and of this package; `start_up` tells which variables were read, and changed, before.
    """

    def __init__(self, own: tuple[str, ...], start_up: StartUp) -> None:
        self.files: set[str] = set()
        self.by_others: set[str] = set()
        self.present: set[str] = set()
        self.bytecode: set[str] = set()
        self.kinds: dict[str, str] = {}
        self.drawn: set[str] = set()
        self.directories: dict[str, list[str]] = {}
        changed = set(map(os.fsdecode, start_up.changes))
        self.environment = {name: value for name, value in os.environ.items() if name not in changed}
        """The command's, without what start-up code has made of it, and before anything was collected."""
        self.doubts: dict[str, None] = {}
        self.by_plugins: dict[tuple[str, str], None] = {}
        self.readers: dict[str, None] = {}
        self.only_here: dict[str, None] = {}
        self.variables = _Named()
        for name in start_up.variables or ():
            self.variables.one(name)
        if start_up.variables is None:
            self.variables.everything()
        self._watch = self.variables.watch()
        self._own = own
        self._library = os.path.dirname(os.__file__) + os.sep
        self._innocent = {self._library + name for name in _INNOCENT}
        self._seeded: set[int] = set()
        self._plain: dict[int, object] = {}
        """Namespaces of modules in which nothing has the words that matter, and such code of others."""
        self._libraries: dict[str, bool] = {}
        self._profile = self._profiler()
        self.is_active = False
        self._inside = False

    def begin(self) -> None:
        """Watch from now on."""
        if is_traced():
            self.doubts["a tracer or a profiler was active"] = None
        self._watch.__enter__()
        self.is_active = True
        sys.addaudithook(self._audit)
        sys.setprofile(self._profile)

    def end(self) -> None:
        """It is known what is collected."""
        if not self.is_active:
            return
        self.is_active = False
        if sys.getprofile() is self._profile:
            sys.setprofile(None)
        else:
            self.doubts["a profiler was set"] = None
        self._watch.__exit__()

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _EVENTS or not self.is_active or self._inside:
            return
        self._inside = True
        try:
            if event == "open":
                self._opened(*arguments)
            elif event in ("os.listdir", "os.scandir"):
                self._listed(arguments[0])
            elif event in _ATTRIBUTES and not isinstance(arguments[0], int):
                self._file(arguments[0] or ".")
            elif event in _DRAWN:
                self.drawn.add(os.path.basename(os.fsdecode(arguments[0])))
            elif event in _BEYOND and not (event == "sqlite3.connect" and _is_in_memory(arguments[0])):
                self._doubt(sys._getframe(1), _BEYOND[event])
        finally:
            self._inside = False

    def _opened(self, path: object, _mode: object, flags: object) -> None:
        if not isinstance(path, (str, bytes, os.PathLike)) or not isinstance(flags, int):
            return
        if flags & _ACCESS == os.O_WRONLY or (flags & _ACCESS and flags & _NEW):
            return
        name = os.path.abspath(os.fsdecode(path))
        if name.endswith(".pyc"):  # a module may be gone from `sys.modules`
            if not is_installed(name) and not name.startswith(self._library) and os.path.exists(name):
                self.bytecode.add(name)
            name = source_of(name)
        self._file(name)
        if os.path.exists(name):
            self.present.add(name)
        if name in self.files and self._is_for_others(sys._getframe(2)):
            self.by_others.add(name)

    def _listed(self, path: object) -> None:
        frame: Any = sys._getframe(2)
        if isinstance(path, int) or frame.f_code.co_filename.startswith(_IMPORTLIB):
            return
        name = os.path.abspath(os.fsdecode(path or "."))  # type: ignore[arg-type]
        if not is_kept(name):
            return
        try:
            names = self.directories.get(name) or entries(name)
        except OSError:
            self.files.add(name)
            return
        self.directories[name] = names
        if ALL_COUNT not in names and self.users(frame):
            names.append(ALL_COUNT)

    def _profiler(self) -> Callable[[Any, str, Any], None]:
        """What is called at each call and each return, millions of times: nearly all of them matter to nobody."""
        calls, words, plain = _CALLS, _ARGUMENTS | _MOMENTS, self._plain
        address = object.__hash__  # `id` is an event for audit hooks, and so is to ask a frame for its code

        def profile(frame: Any, event: str, called: Any) -> None:
            if event == "c_call":
                if called.__name__ in calls and not self._inside:
                    self._inside = True
                    try:
                        self._called(frame, called.__name__, called)
                    finally:
                        self._inside = False
            elif event == "call" and address(frame.f_globals) not in plain:
                code = frame.f_code
                if address(code) in plain:
                    pass
                elif not (words.isdisjoint(code.co_names) and words.isdisjoint(code.co_consts)):
                    self._ran(frame)
                elif self._is_plain(code.co_filename):
                    plain[address(frame.f_globals)] = frame.f_globals
                else:
                    plain[address(code)] = code

        return profile

    def _is_plain(self, file: str) -> bool:
        """Whether no function in this file looks at the arguments for others: it is pytest's, or the standard library's
        and has not the word."""
        if file.startswith((*self._own, "<frozen")):
            return True
        if is_installed(file) or not file.startswith(self._library) or self._inside:
            return False
        known = self._libraries.get(file)
        if known is None:
            self._inside = True
            try:
                with open(file, encoding="utf-8") as source:
                    known = _READS_ARGUMENTS.search(source.read()) is None
            except (OSError, UnicodeError):
                known = False
            self._inside = False
            self._libraries[file] = known
        return known

    def _ran(self, frame: Any) -> None:
        code = frame.f_code
        words = {*code.co_names, *(each for each in code.co_consts if isinstance(each, str))}
        if not _ARGUMENTS.isdisjoint(words):
            self._ran_reader(frame)
        if not (_MOMENTS.isdisjoint(words) or _TODAY.isdisjoint(words)):
            self._doubt(frame, "asks for the time")  # pandas and NumPy are written in C: no call is seen

    def _ran_reader(self, frame: Any) -> None:
        code = frame.f_code
        if code.co_filename.startswith(self._library) and code.co_name == "__init__":
            return  # of a parser, which asks for the name of the program
        reader = self.reader(frame)
        if reader:
            self.readers[reader] = None

    def _called(self, frame: Any, name: str, called: Any) -> None:
        owner = called.__self__
        module = getattr(owner, "__name__", None)
        if isinstance(owner, _random.Random):
            if name == "seed":
                self._seed(frame, owner)
            elif id(owner) not in self._seeded:
                self._doubt(frame, "asks for random numbers")
        elif isinstance(owner, os.DirEntry):
            if any(self._callers(frame)):
                self._file(owner.path)
        elif name in _FILES and module == "posix":
            self._looked(frame, name)
        elif name in _ELAPSED and self._is_of_a_package(frame):
            pass
        elif (
            (name in _CLOCK and module == "time")
            or (name in _TODAY and isinstance(owner, type) and owner.__module__ == "datetime")
            or (name in _TODAY and isinstance(owner, type) and owner.__mro__[-2].__module__ == "datetime")
        ):
            self._doubt(frame, "asks for the time")
        elif name in _THREADS and module == "_thread":
            self._doubt(frame, "starts a thread")
        elif name in _OF_MOMENTS and module in _WITH_MOMENTS:
            self._doubt(frame, _OF_MOMENTS[name])
        elif name in ("urandom", "getrandom", "generate_time_safe"):
            self._doubt(frame, "asks for random numbers")

    def _seed(self, frame: Any, owner: object) -> None:
        """`Random.seed` of the standard library has what it was given in `a`."""
        if frame.f_code.co_filename.startswith(self._library) and frame.f_locals.get("a") is not None:
            self._seeded.add(id(owner))
        else:
            self._seeded.discard(id(owner))

    def _looked(self, frame: Any, name: str) -> None:
        code, local = frame.f_code, frame.f_locals
        callers = [] if code.co_filename.startswith(_IMPORTLIB) else list(self._callers(frame))
        if not callers:
            return
        path = None
        if code.co_filename.startswith((self._library, "<frozen")) and not is_installed(code.co_filename):
            values = (local.get(each) for each in _PATHS)
            path = next((value for value in values if isinstance(value, (str, bytes, os.PathLike))), None)
        if path is not None and _asks_for_presence(frame) and os.path.isdir(path):
            name = os.path.abspath(os.fsdecode(path))  # the time stamps of directories change all the time
            self.kinds.setdefault(name, kind(name))
        elif self.users(frame):
            if path is None:
                self._doubt(frame, f"looks at a file in a way that cannot be followed (os.{name})")
            else:
                self._file(path)
        elif path is not None and not os.path.isdir(path):
            self._file(path)

    def _file(self, path: str | bytes | os.PathLike[Any]) -> str:
        name = os.path.abspath(os.fsdecode(path))
        if is_kept(name):
            self.files.add(name)
            if os.path.islink(name):  # the link may come to lead elsewhere, where there is nothing either
                self.kinds.setdefault(name, kind(name))
        return name

    def _doubt(self, frame: Any, what: str) -> None:
        users = self.users(frame)
        plugins = None if users else self._is_plugins(frame)
        if users:
            self.doubts[f"{users} {what} while it is collected"] = None
        elif plugins:
            self.by_plugins[plugins, what] = None

    def is_pytests(self, frame: Any) -> bool:
        """Whether this is code of pytest's, but for pluggy, which calls plugins."""
        file: str = frame.f_code.co_filename
        return file.startswith(self._own) and f"{os.sep}pluggy{os.sep}" not in file

    def reader(self, frame: Any) -> str | None:
        """The file whose doing this is: the user's, or else the installed plugin's."""
        return self.users(frame) or self._is_plugins(frame)

    def users(self, frame: Any) -> str | None:
        """The file of the project's whose doing this is, if it is: not pytest's own, nor that of an installed package's
        import."""
        return next((file for file in self._callers(frame) if file and not is_installed(file)), None)

    def _is_plugins(self, frame: Any) -> str | None:
        """The file of the installed plugin whose doing this is, if it is: the one that pytest has called."""
        callers = list(self._callers(frame))
        return callers[-1] if callers else None

    def _is_for_others(self, frame: Any) -> bool:
        """Whether anybody has called for this who is neither pytest nor of the standard library."""
        while frame is not None:
            file = frame.f_code.co_filename
            if not file.startswith((*self._own, "<")) and (is_installed(file) or not file.startswith(self._library)):
                return True
            frame = frame.f_back
        return False

    def _callers(self, frame: Any) -> Iterator[str | None]:
        """The files that are neither pytest's own nor of the standard library, from the innermost call outwards, up to
        pytest. None is the last where such a library, or a package, is being imported or does what tells nothing."""
        while frame is not None:
            code = frame.f_code
            file: str = code.co_filename
            if file.startswith(self._own):
                return
            is_of_a_package = self._is_of_a_package(frame)
            if (is_of_a_package and code.co_name == "<module>") or self._is_innocent(code):
                yield None
                return
            if file != __file__ and (is_installed(file) or not (is_of_a_package or file.startswith("<"))):
                yield file
            frame = frame.f_back

    def _is_innocent(self, code: CodeType) -> bool:
        is_known = code.co_filename in self._innocent and code.co_name != "mktemp"  # of whose names nobody tells
        return is_known or code.co_filename.endswith(_INNOCENT_PACKAGE)

    def _is_of_a_package(self, frame: Any) -> bool:
        """Whether this is code that is installed, or the standard library's."""
        file: str = frame.f_code.co_filename
        return is_installed(file) or file.startswith(self._library)


def _asks_for_presence(frame: Any) -> bool:
    code, caller = frame.f_code, frame.f_back
    if code.co_name in _PRESENCE:
        return True
    is_of_a_path = code.co_name in ("stat", "lstat") and caller is not None
    return is_of_a_path and caller.f_code.co_filename == code.co_filename and caller.f_code.co_name in _OF_PATHS


def _is_in_memory(database: object) -> bool:
    """Whether a SQLite database begins empty, and is nowhere else."""
    name = os.fsdecode(database) if isinstance(database, (str, bytes, os.PathLike)) else "file"
    return name in ("", ":memory:") or "mode=memory" in name or name.startswith("file::memory:")
