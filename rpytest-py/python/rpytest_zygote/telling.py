"""What tells of its own end: `__del__`, an open file, a suspended generator, a weak reference that calls somebody.

Asked so that nobody's code runs: no metaclass's, no property's.
"""

from __future__ import annotations

import _weakref  # `weakref` imports more
import os
import stat
import sys
from types import BuiltinFunctionType, FunctionType, MethodType

from rpytest_zygote.anew import is_elsewhere
from rpytest_zygote.world import NATIVE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_IN_MEMORY = {("_io", "BytesIO"), ("_io", "StringIO")}
_STREAMS = {("click.testing", "BytesIOCopy"), ("click.testing", "_NamedTextIOWrapper")}
"""Kinds of streams in Python code that do nothing else at their end than those in C that they are made of."""
_SOCKET = ("_socket", "socket")
_ENDED_BY_THEIR_OWNERS = ("_io", "builtins")
"""Modules of the kinds of open files and suspended generators: whether they still are is seen at the end."""
_FRAMES = ("gi_frame", "cr_frame", "ag_frame")
_Reference: Any = _weakref.ReferenceType
_OF_IMPORTS = ("_frozen_importlib", "importlib._bootstrap")
_OWN_CALLBACKS = (
    *(*_OF_IMPORTS, "_weakrefset", "logging", "weakref"),
    *("django.dispatch.dispatcher", "sqlalchemy.event.registry"),
)
"""Modules whose callbacks only tidy up what is theirs."""
_OF_WEAK_METHODS, _GIVEN = ("weakref", "_cb"), "callback"
"""The exception: it calls what `weakref.WeakMethod` was given, and the variable in which it has that."""
_FINALIZE = ("weakref", "finalize")
"""It calls what it was given, too."""
_CONNECTION = ("sqlite3", "Connection")
"""It closes a database at its end, without a `__del__` up to Python 3.12, and since then with a warning."""
_WARNS = sys.version_info >= (3, 13)
_DESCRIPTORS = "/proc/self/fd"
_listdir, _stat = os.listdir, os.stat  # a program may replace them
_ENDING_SHOWS = {"_dbm", "_gdbm", "_tkinter", *(("_sqlite3",) if sys.version_info < (3, 10) else ())}
"""Extension modules of the standard library whose objects finish something at their end, unknown to the collector."""


def makes_unknown(name: str, module: object) -> bool:
    """Whether this is an extension module whose objects may do something at their end, as a database closes its files.

    What native code does there cannot be looked for; some packages are known to do nothing.
    """
    if type(module) is not type(sys):
        return False
    loader = vars(module).get("__loader__")
    if sys.modules["_frozen_importlib_external"].ExtensionFileLoader in type(loader).__mro__ and is_elsewhere(module):
        own = vars(module).get("__name__", name)  # Cython's helper is also in `sys.modules` without its package
        return not isinstance(own, str) or own.partition(".")[0] not in NATIVE
    return name in _ENDING_SHOWS


def may_tell(kind: type) -> bool:
    """Whether instances have something like a `__del__`, or are weak references."""
    bases = type.__getattribute__(kind, "__mro__")
    return _Reference in bases or any(
        "__del__" in type.__getattribute__(base, "__dict__") or _name(base) == _CONNECTION for base in bases
    )


def is_ours(each: Any) -> bool:
    """Whether it is one of the zygote's sockets: nobody else has made any on the way."""
    return _name(type(each)) == _SOCKET


def is_ended_by_its_owner(each: Any) -> bool:
    """Whether it is an open file or a suspended generator, of a kind that adds nothing to its end."""
    bases = type.__getattribute__(type(each), "__mro__")
    ends = (base for base in bases if "__del__" in type.__getattribute__(base, "__dict__"))
    return getattr(next(ends, None), "__module__", None) in _ENDED_BY_THEIR_OWNERS


def tells(each: Any) -> bool:
    """Whether somebody may see the end of an object of such a kind, or of what it refers to."""
    try:
        return _is_not_over(each)
    except Exception:  # such as a text stream without its buffer
        return True


def _name(kind: type) -> tuple[Any, str]:
    return type.__getattribute__(kind, "__module__"), type.__getattribute__(kind, "__name__")


def _is_not_over(each: Any) -> bool:
    kind = type(each)
    if _Reference in type.__getattribute__(kind, "__mro__"):
        return _calls_back(_Reference.__callback__.__get__(each))
    if _name(kind) == _CONNECTION:
        return (_WARNS and _warns_of_resources()) or _has_open_files()
    if _is_stream(kind):
        return not (each.closed or _is_in_memory(each) or _is_standard(each))
    if _name(kind)[0] == "builtins":
        return any(getattr(each, frame, None) is not None for frame in _FRAMES)
    return True


def _calls_back(callback: Any) -> bool:
    """Whether what a weak reference calls is not the interpreter's own, or of those that only tidy up."""
    if type(callback) is MethodType:
        callback = callback.__func__
    kind = type(callback)
    if kind is FunctionType:
        if (callback.__module__, callback.__name__) == _OF_WEAK_METHODS:
            given = callback.__code__.co_freevars.index(_GIVEN)
            return _calls_back(callback.__closure__[given].cell_contents)
        return callback.__module__ not in _OWN_CALLBACKS
    if kind is BuiltinFunctionType:
        return callback.__module__ is not None
    if _name(kind) == _FINALIZE:
        given = type.__getattribute__(kind, "__dict__")["_registry"].get(callback)
        return given is not None and _calls_back(given.func)
    return callback is not None and _name(kind)[0] not in _OWN_CALLBACKS


def _warns_of_resources() -> bool:
    for action, message, category, module, line in sys.modules["warnings"].filters:
        if category in ResourceWarning.__mro__:
            return bool(action != "ignore" or message or module or line)
    return True


def _has_open_files() -> bool:
    """Whether a database may be in a file, and not in memory: something is open that has a name."""
    try:
        found = {int(name): _file(int(name)) for name in _listdir(_DESCRIPTORS)}
    except OSError:
        return True
    streams = {found.get(number) for number in range(3)}
    return any(file is not None and file not in streams for file in found.values())


def _file(descriptor: int) -> tuple[int, int] | None:
    try:
        found = _stat(descriptor)
    except OSError:  # it was that of the listing
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) and found.st_nlink else None


def _is_stream(kind: type) -> bool:
    return _name(kind)[0] == "_io" or _name(kind) in _STREAMS


def _is_in_memory(each: Any) -> bool:
    """Whether what is written at its end stays in memory."""
    while _is_stream(type(each)):
        if not _IN_MEMORY.isdisjoint(map(_name, type.__getattribute__(type(each), "__mro__"))):
            return True
        each = getattr(each, "buffer", getattr(each, "raw", None))
    return False


def _is_standard(stream: Any) -> bool:
    """Whether this is a layer of standard input, output or error, which the interpreter flushes itself."""
    try:
        return bool(stream.fileno() <= 2)
    except (OSError, ValueError):
        return False
