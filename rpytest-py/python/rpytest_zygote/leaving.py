"""How a session leaves where nobody can see how: with its status, and the interpreter is not taken down.

Taking it down reads and writes a part of everything, which copies what the session shares with the zygote. See
docs/design/session.md.
"""

from __future__ import annotations

import gc
import os
import sys
from types import TracebackType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MAINS = ("console_main", "_console_main")
"""pytest's functions that give the process its status."""
_RUNS_MODULES = "_run_module_as_main"
"""The first function of the process."""
_FLAGS = ("dev_mode", "inspect", "verbose")
_VARIABLES = {
    *("PYTHONDEVMODE", "PYTHONDUMPREFS", "PYTHONDUMPREFSFILE", "PYTHONINSPECT", "PYTHONMALLOCSTATS"),
    *("PYTHONPERFSUPPORT", "PYTHON_PERF_JIT_SUPPORT", "PYTHONVERBOSE"),
}
"""Who sets one of them is shown more at the end, or asked for more to do."""
_OF_DEBUG_BUILDS = "gettotalrefcount"
_CALL_ANYTHING = ("_ctypes", "_curses", "_dbm", "_gdbm", "_interp", "_test", "_tkinter", "_xx")
"""How names of extension modules of the standard library begin by which any function of C can be called at the end, or
that end something themselves."""
_EXTENSIONS = os.path.join(os.path.dirname(os.__file__), "lib-dynload", "")
_LIBRARIES = (
    *("ld-", "libc-", "libc.", "libdl", "libgcc_s", "libm-", "libm.", "libnsl", "libnss_", "libpthread", "libpython"),
    *("libresolv", "librt", "libtirpc", "libutil"),
    *("libbz2", "libcrypt.", "libcrypto", "libexpat", "liblzma", "libmpdec", "libncurses", "libreadline", "libsqlite3"),
    *("libssl", "libtinfo", "libuuid", "libz."),
)
"""How the names of libraries begin that do nothing at the end that can be seen: of the C library, and those that the
standard library is made with."""
_MAPS, _PROGRAM, _WHOLE = "/proc/self/maps", "/proc/self/exe", 1 << 20
# A program may replace them.
_exit, _open, _read, _close, _readlink = os._exit, os.open, os.read, os.close, os.readlink
_get_debug, _garbage = gc.get_debug, gc.garbage

ADDS_HOOK = "sys.addaudithook"
"""What audit hooks hear of another one."""


class Hooks:
    """The audit hooks of this process, which would hear of its end. Start-up code that adds one makes each run execute
    it anew (`anew`)."""

    are_watched = False
    """Whether we hear of all that are added."""
    has_others = False
    """Than ours."""


hooks = Hooks()


class Leaving:
    """Made where pytest's configuration is."""

    def __init__(self) -> None:
        frame: Any = sys._getframe(1)
        while frame.f_code.co_name not in _MAINS:
            frame = frame.f_back
        self._main = frame
        """It keeps its variables when it has come to its end."""
        self._is_possible = not _is_shown_more()

    def leave(self) -> None:
        """Returns where the interpreter has to take itself down. Nothing of the run tells of its own end."""
        try:
            status = self._status()
            if status is None or not self._is_possible or _is_shown_more() or _may_be_heard() or _may_be_called():
                return
            for stream in (sys.stdout, sys.stderr):
                if stream is not None and not stream.closed:
                    stream.flush()
        except Exception:  # of what a program has put into a strange place; and the interpreter tells of its streams
            return
        _exit(status)

    def let_go(self) -> None:
        """Hold nothing any more."""
        self._main = None

    def _status(self) -> int | None:
        """What pytest has returned to the last line of the program."""
        variables = self._main.f_locals
        status = variables.get("code")
        if not isinstance(status, int) or "devnull" in variables or _is_uncaught():
            return None
        return int.__index__(status) if 0 <= status <= 255 else None


def _is_uncaught() -> bool:
    """Whether the program has ended by an exception, after all."""
    traceback = getattr(sys, "last_traceback", None)
    if traceback is None:
        return False
    return type(traceback) is not TracebackType or traceback.tb_frame.f_code.co_name == _RUNS_MODULES


def _is_shown_more() -> bool:
    flags = any(getattr(sys.flags, name) for name in _FLAGS)
    return flags or not _VARIABLES.isdisjoint(os.environ) or hasattr(sys, _OF_DEBUG_BUILDS)


def _may_be_heard() -> bool:
    """By audit hooks, by streams in Python code, or by who reads warnings of what is in `gc.garbage`."""
    streams = [stream for stream in (sys.stdout, sys.stderr) if stream is not None]
    if _garbage or _get_debug() or any(type(stream).__module__ != "_io" for stream in streams):
        return True
    return hooks.has_others or not hooks.are_watched


def _may_be_called() -> bool:
    """Whether there may be native code that is called at the end of the process, or has written to a stream of C's."""
    if any(name.startswith(_CALL_ANYTHING) for name in sys.modules):  # where they are built in, no file is mapped
        return True
    try:
        program, maps = _readlink(_PROGRAM), _mapped()
    except OSError:
        return True
    return not all(path == program or _is_harmless(path) for path in maps)


def _mapped() -> set[str]:
    """The files from which this process has code, all libraries among them."""
    descriptor = _open(_MAPS, os.O_RDONLY)
    try:
        text = b"".join(iter(lambda: _read(descriptor, _WHOLE), b""))
    finally:
        _close(descriptor)
    fields = (line.split(None, 5) for line in os.fsdecode(text).splitlines())
    return {each[5] for each in fields if len(each) == 6 and "x" in each[1] and each[5].startswith("/")}


def _is_harmless(path: str) -> bool:
    name = os.path.basename(path)
    if path.startswith(_EXTENSIONS):
        return not name.startswith(_CALL_ANYTHING)
    return name.startswith(_LIBRARIES)
