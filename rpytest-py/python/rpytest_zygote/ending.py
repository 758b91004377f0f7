"""The end of a session: the interpreter tears itself down as always, and what nobody can see of that is left out.

The warm modules are kept out of its way, and what `gc.freeze` has frozen stays so: taking them down would copy every
page that the session shares with the zygote. Nobody can see that as long as nothing that the run made tells of its own
end. Where something does (`__del__`, an open file, a suspended generator, a weak reference that calls somebody), or may
(it is not known what the objects of an extension module do), it may look at the modules or hang from one of them, so
the interpreter gets everything back. See docs/design/session.md.
"""

from __future__ import annotations

import _weakref  # `weakref` imports more
import atexit
import gc
import sys
from itertools import chain

from rpytest_zygote.anew import is_elsewhere
from rpytest_zygote.world import NATIVE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rpytest_zygote.shelf import Shelf
    from rpytest_zygote.thaw import IsQuiet

_NEVER_LEFT_OUT = {"__main__", "builtins", "sys"}
_IN_MEMORY = ("BytesIO", "StringIO")
_ENDED_BY_THEIR_OWNERS = ("_io", "builtins")
"""Modules of the kinds of open files and suspended generators: whether they still are is seen at the end."""
_FRAMES = ("gi_frame", "cr_frame", "ag_frame")
_Reference: Any = _weakref.ReferenceType
_OF_IMPORTS = ("_frozen_importlib", "importlib._bootstrap")
_OWN_CALLBACKS = (*_OF_IMPORTS, "_weakrefset", "logging", "weakref", "sqlalchemy.event.registry")
"""Modules whose callbacks only tidy up what is theirs."""
_OF_WEAK_METHODS = "_cb"
"""The exception: it calls what `weakref.WeakMethod` was given."""
_ENDING_SHOWS = {"_dbm", "_gdbm", "_sqlite3", "_tkinter"}
"""Extension modules of the standard library whose objects finish something at their end without a `__del__`."""


_last: list[Callable[[Callable[[], list[Any]]], None]] = []


def at_the_end(tell: Callable[[Callable[[], list[Any]]], None]) -> None:
    """Have it called after the exit functions of the run, with a function that lists the objects that the run made."""
    _last.append(tell)


class Ending:
    """Made before the warm imports: exit functions run in reverse, so this is the last.

    Unless start-up code has registered one before: that would run in an interpreter from which modules are missing, so
    then nothing is left out.
    """

    def __init__(self) -> None:
        self._get_objects = gc.get_objects
        self._unfreeze = gc.unfreeze
        self._modules: dict[str, Any] = {}
        self._warm: set[str] = set()
        self._watched: list[Any] = []
        self._is_last = atexit._ncallbacks() == 0
        atexit.register(self._choose)

    def keep(self, shelf: Shelf) -> None:
        """Keep the modules that are there now out of the way of the end."""
        older = {name: sys.modules[name] for name in shelf.baseline - _NEVER_LEFT_OUT if name in sys.modules}
        self._modules = {**older, **shelf.modules()}
        self._warm = set(self._modules)
        # Alive for as long as it is frozen, as no collector looks at this cycle. Thawed, it is garbage.
        kept: list[Any] = [self._modules]
        kept.append(kept)

    def keep_more(self, freeze: Callable[[IsQuiet], None]) -> None:
        """What has been made since is to the runs that begin here as what the zygote has made.

        Unless it would tell of its end: while it is frozen, no collector finds that it has come. `freeze` is that of
        `thaw`, which is imported later than this module: it holds the `gc` that runs import.
        """
        telling = [each for each in self._get_objects() if _may_tell(type(each)) and _tells(each)]
        if not self._is_last or not all(map(_is_ended_by_its_owner, telling)):
            return
        self._watched += [_Reference(each) for each in telling]
        self._modules.update((name, module) for name, module in sys.modules.items() if name not in _NEVER_LEFT_OUT)
        freeze(self._is_quiet)

    def _is_quiet(self, held: frozenset[int] = frozenset()) -> bool:
        """Whether nothing tells of its end, but what is held.

        What was there before the session is frozen, so it is not looked at.
        """
        watched = [each for each in (reference() for reference in self._watched) if each is not None]
        telling = {kind for kind in set(map(type, chain(self._get_objects(), watched))) if _may_tell(kind)}
        suspects = (each for each in chain(self._get_objects(), watched) if type(each) in telling)
        if any(id(each) not in held and _tells(each) for each in suspects):
            return False
        return not any(_makes_unknown(name, each) for name, each in list(sys.modules.items()) if name not in self._warm)

    def _choose(self) -> None:
        while _last:
            _last.pop()(self._get_objects)
        # What is in another stream than these is written when that stream ends.
        replaced = sys.stdout is not sys.__stdout__ or sys.stderr is not sys.__stderr__
        if not self._is_last or replaced or not self._is_quiet():
            self._unfreeze()
            return
        for name, module in self._modules.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


def _makes_unknown(name: str, module: object) -> bool:
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


def _may_tell(kind: type) -> bool:
    """Whether instances have `__del__`, or are weak references; asked in a way that runs no metaclass's code."""
    bases = type.__getattribute__(kind, "__mro__")
    return _Reference in bases or any("__del__" in type.__getattribute__(base, "__dict__") for base in bases)


def _is_ended_by_its_owner(each: Any) -> bool:
    """Whether it is an open file or a suspended generator, of a kind that adds nothing to its end."""
    bases = type.__getattribute__(type(each), "__mro__")
    ends = (base for base in bases if "__del__" in type.__getattribute__(base, "__dict__"))
    return getattr(next(ends, None), "__module__", None) in _ENDED_BY_THEIR_OWNERS


def _tells(each: Any) -> bool:
    """Whether somebody may see the end of an object of such a kind, or of what it refers to."""
    try:
        return _is_not_over(each)
    except Exception:  # such as a text stream without its buffer
        return True


def _is_not_over(each: Any) -> bool:
    kind = type(each)
    if _Reference in type.__getattribute__(kind, "__mro__"):
        return _calls_back(_Reference.__callback__.__get__(each))
    if kind.__module__ == "_io":
        return not each.closed and kind.__name__ not in _IN_MEMORY and not _is_standard(each)
    if kind.__module__ == "builtins":
        return any(getattr(each, frame, None) is not None for frame in _FRAMES)
    return True


def _calls_back(callback: Any) -> bool:
    """Whether what a weak reference calls is not the interpreter's own, or of those that only tidy up."""
    kind = type(callback)
    if kind is type(_calls_back):
        return callback.__module__ not in _OWN_CALLBACKS or callback.__name__ == _OF_WEAK_METHODS
    if kind is type(len):
        return callback.__module__ is not None
    return callback is not None and type.__getattribute__(kind, "__module__") not in _OWN_CALLBACKS


def _is_standard(stream: Any) -> bool:
    """Whether this is a layer of standard input, output or error, which the interpreter flushes itself."""
    try:
        return bool(stream.fileno() <= 2)
    except (OSError, ValueError):
        return False
