"""What tells of its own end: `__del__`, an open file, a suspended generator, a weak reference that calls somebody.

It is asked by type, and by what is in C: somebody's own attributes are asked where nothing else is left.
"""

from __future__ import annotations

import _weakref  # `weakref` imports more
import gc
import os
import stat
import sys
from types import AsyncGeneratorType, BuiltinFunctionType, CoroutineType, FunctionType, GeneratorType, MethodType

from rpytest_zygote.anew import is_elsewhere
from rpytest_zygote.observe import is_traced
from rpytest_zygote.world import NATIVE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ENDS = "__del__"
_IN_MEMORY = {("_io", "BytesIO"), ("_io", "StringIO")}
_STREAMS = {("click.testing", "BytesIOCopy"), ("click.testing", "_NamedTextIOWrapper")}
"""Kinds of streams in Python code that do nothing else at their end than those in C that they are made of."""
_CALLED = ("close", "flush")
"""Methods that a stream calls at its end."""
_SOCKET = ("_socket", "socket")
_SUSPENDED = {GeneratorType: "gi_frame", CoroutineType: "cr_frame", AsyncGeneratorType: "ag_frame"}
_ASKED = (vars(type)[name].__get__ for name in ("__mro__", "__dict__", "__module__", "__name__"))
_bases, _namespace, _module, _own_name = _ASKED  # of a class, and no metaclass is asked
_HANDLES = {"SETUP_FINALLY", "SETUP_WITH", "SETUP_ASYNC_WITH"}
_OF_COMPILER = (("CALL_INTRINSIC_1", 3), ("RERAISE", 1))
"""The handler that generators have from Python 3.12 on: it makes another error of a `StopIteration`."""
_Reference: Any = _weakref.ReferenceType
_PROXIES = (_weakref.ProxyType, _weakref.CallableProxyType)
_TIDY = {
    *(("_frozen_importlib", "cb"), ("importlib._bootstrap", "cb")),
    *(("_frozen_importlib", "remove"), ("importlib._bootstrap", "remove")),
    *(("_weakrefset", "_remove"), ("weakref", "remove"), ("logging", "_removeHandlerRef")),
    *(("django.dispatch.dispatcher", "_remove_receiver"), ("django.dispatch.dispatcher", "_flag_dead_receivers")),
    *(("sqlalchemy.event.registry", "_collection_gced"), ("sqlalchemy.util.langhelpers", "_remove_linecache_entry")),
}
"""What weak references call that only tidies up what is its own: module and name."""
_TIDY_KINDS = {("_ctypes", "DictRemover")}
_TIDY_IN_C = {"_destroy", "_localdummy_destroyed", "clear_locals"}
_OF_COLLECTORS = {("hypothesis.internal.conjecture.junkdrawer", "gc_callback")}
"""What is called by a collector, and only asks a clock."""
_OF_WEAK_METHODS, _GIVEN = ("weakref", "_cb"), "callback"
"""It calls what `weakref.WeakMethod` was given, and the variable in which it has that."""
_FINALIZE = ("weakref", "finalize")
"""It calls what it was given, too."""
_CONNECTION = ("sqlite3", "Connection")
"""It closes a database at its end, without a `__del__` up to Python 3.12, and since then with a warning."""
_WARNS = sys.version_info >= (3, 13)
_DESCRIPTORS = "/proc/self/fd"
# A program may replace them.
_listdir, _stat, _get_referents, _is_tracked = os.listdir, os.stat, gc.get_referents, gc.is_tracked
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
    if _ends(kind) is not None or _is_proxy(kind):
        return True
    return _is_connection(kind) or any(base is _Reference for base in _bases(kind))


def is_raw_socket(each: Any) -> bool:
    """Whether it is one that no program makes: `socket.socket` is a subclass."""
    return _name(type(each)) == _SOCKET


def is_ended_by_its_owner(each: Any) -> bool:
    """Whether it is an open file or a suspended generator, of a kind that adds nothing to its end."""
    ends = _ends(type(each))
    return ends is not None and (_suspended(ends) is not None or _module(ends) == "_io")


def tells(each: Any) -> bool:
    """Whether somebody may see the end of an object of such a kind, or of what it refers to."""
    try:
        return _is_not_over(each)
    except Exception:  # such as a text stream without its buffer
        return True


def is_known_to_collectors(callback: Any) -> bool:
    """Whether what is in `gc.callbacks` looks at nothing of the program."""
    return type(callback) is FunctionType and (callback.__module__, callback.__name__) in _OF_COLLECTORS


def may_tell_later(each: Any) -> bool:
    """Whether that may change: a database can be attached to a connection, and a generator goes on to another place."""
    kind = type(each)
    return _is_connection(kind) or (kind is GeneratorType and each.gi_frame is not None)


def _name(kind: type) -> tuple[Any, str]:
    return _module(kind), _own_name(kind)


def _ends(kind: type) -> type | None:
    """The class that says what is done at an end."""
    return next((base for base in _bases(kind) if _ENDS in _namespace(base)), None)


def _suspended(kind: type | None) -> str | None:
    """Of a kind of what may be suspended, the attribute that tells whether it is."""
    return next((attribute for each, attribute in _SUSPENDED.items() if each is kind), None)


def _is_proxy(kind: type) -> bool:
    return any(kind is proxy for proxy in _PROXIES)


def _is_connection(kind: type) -> bool:
    return any(_name(base) == _CONNECTION for base in _bases(kind))


def _is_not_over(each: Any) -> bool:
    kind = type(each)
    if any(base is _Reference for base in _bases(kind)):
        return _ends(kind) is not None or _calls_back(_Reference.__callback__.__get__(each))
    if _is_proxy(kind):
        return any(map(_calls_back, _get_referents(each)))
    if _name(kind) == _CONNECTION:
        return (_WARNS and _warns_of_resources()) or _has_open_files()
    if _is_stream(kind):
        return not (each.closed or _is_in_memory(each) or _is_standard(each))
    suspended = _suspended(kind)
    if suspended is None:
        return True
    return getattr(each, suspended) is not None and not (kind is GeneratorType and _closes_silently(each))


def _closes_silently(generator: Any) -> bool:
    """Whether nothing is executed when it is closed where it is suspended: it handles nothing, and nobody listens."""
    held = [each for referent in (generator, generator.gi_frame) for each in _get_referents(referent)]
    if any(may_tell(type(each)) and not _is_tracked(each) for each in held):
        return False  # no list of objects has it
    dis: Any = sys.modules.get("dis")  # `inspect` has imported it
    if type(dis) is not type(sys) or generator.gi_yieldfrom is not None or is_traced():
        return False
    code = generator.gi_code
    if sys.version_info < (3, 11):
        return _HANDLES.isdisjoint(dis.opname[number] for number in code.co_code[::2])
    instructions = {each.offset: (each.opname, each.arg) for each in dis.get_instructions(code)}
    targets = {entry.target for entry in dis._parse_exception_table(code)}
    return all((instructions[target], instructions[target + 2]) == _OF_COMPILER for target in targets)


def _calls_back(callback: Any) -> bool:
    """Whether what a weak reference calls does more than to tidy up."""
    if type(callback) is MethodType:
        callback = callback.__func__
    kind = type(callback)
    if kind is FunctionType:
        name = callback.__module__, callback.__name__
        if name == _OF_WEAK_METHODS:
            given = callback.__code__.co_freevars.index(_GIVEN)
            return _calls_back(callback.__closure__[given].cell_contents)
        return name not in _TIDY
    if kind is BuiltinFunctionType:
        return callback.__module__ is not None or callback.__name__ not in _TIDY_IN_C
    if callback is not None and _name(kind) == _FINALIZE:
        given = _namespace(kind)["_registry"].get(callback)
        return given is not None and _calls_back(given.func)
    return callback is not None and _name(kind) not in _TIDY_KINDS


def _is_stream(kind: type) -> bool:
    return _module(kind) == "_io" or _name(kind) in _STREAMS


def _is_in_memory(each: Any) -> bool:
    """Whether what is written at its end stays in memory."""
    while _is_stream(type(each)) and not any(name in getattr(each, "__dict__", ()) for name in _CALLED):
        if not _IN_MEMORY.isdisjoint(map(_name, _bases(type(each)))):
            return True
        each = getattr(each, "buffer", getattr(each, "raw", None))
    return False


def _is_standard(each: Any) -> bool:
    """Whether this is a layer of standard input, output or error, which the interpreter flushes itself."""
    for layer in (sys.__stdin__, sys.__stdout__, sys.__stderr__):
        inner: Any = layer
        while _is_stream(type(inner)):  # a program may put anything there
            if inner is each:
                return True
            inner = getattr(inner, "buffer", getattr(inner, "raw", None))
    return False


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
