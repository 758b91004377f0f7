"""The end of a session: the interpreter tears itself down as always, and what nobody can see of that is left out.

The warm modules are kept out of its way, and what `gc.freeze` has frozen stays so: taking them down would copy every
page that the session shares with the zygote. Nobody can see that as long as nothing that the run made tells of its own
end. Where something does (`__del__`, an open file, a suspended generator, a weak reference that calls somebody), or may
(it is not known what the objects of an extension module do), it may look at the modules or hang from one of them, so
the interpreter gets everything back. See docs/design/session.md.
"""

from __future__ import annotations

import _thread
import _weakref  # `weakref` imports more
import atexit
import gc
import sys

from rpytest_zygote.telling import (
    is_ended_by_its_owner,
    is_known_to_collectors,
    is_raw_socket,
    makes_unknown,
    may_tell,
    may_tell_later,
    tells,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rpytest_zygote.shelf import Shelf
    from rpytest_zygote.thaw import IsQuiet

_OLDEST_TO_FREEZE = (3, 10)
"""Before, our exit function is not called, as runs import `atexit` anew: what is held by what is frozen has no end."""
_NEVER_LEFT_OUT = {"__main__", "builtins", "sys"}
_Reference: Any = _weakref.ReferenceType
_number = object.__hash__
"""Another one for each object. Audit hooks hear of `id`, and millions of calls would be slow."""

_last: list[Callable[[Callable[[], list[Any]]], None]] = []


def at_the_end(tell: Callable[[Callable[[], list[Any]]], None]) -> None:
    """Have it called after the exit functions of the run, with a function that lists the objects that the run made."""
    _last.append(tell)


def can_be_thawed() -> bool:
    """Whether what is frozen is sure to be thawed at the end, where that is needed."""
    return sys.version_info >= _OLDEST_TO_FREEZE


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
        self._made: list[tuple[str, Any]] = []
        """Modules, by weak references: the run may have them end."""
        self._watched: list[Any] = []
        self.has_program_frozen: Callable[[], bool] = lambda: False
        """Whether the program has hidden objects from the collector, and so from this."""
        self._let_go: list[Callable[[], None]] = []
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
        suspects = [each for each in self._suspects() if not is_raw_socket(each)]  # those are the zygote's
        telling = [each for each in suspects if may_tell_later(each) or tells(each)]
        is_possible = self._is_last and can_be_thawed() and not self.has_program_frozen()
        if not is_possible or not all(map(is_ended_by_its_owner, telling)):
            return
        self._watched += [_Reference(each) for each in telling]
        for name, module in sys.modules.items():
            if name not in _NEVER_LEFT_OUT and type(module) is type(sys) and self._modules.get(name) is not module:
                self._made.append((name, _Reference(module)))
        freeze(self._is_quiet)

    def have_let_go(self, let_go: Callable[[], None]) -> None:
        """Have it called where things end one after the other, as they do because nobody holds them any more."""
        self._let_go.append(let_go)

    def _is_quiet(self, held: frozenset[int] = frozenset()) -> bool:
        """Whether nothing tells of its end, but what is held.

        What was there before the session is frozen, so it is not looked at.
        """
        if self.has_program_frozen() or any(id(each) not in held and tells(each) for each in self._suspects()):
            return False
        return not any(makes_unknown(name, each) for name, each in list(sys.modules.items()) if name not in self._warm)

    def _suspects(self) -> list[Any]:
        """What may tell of its end, by its kind. A metaclass may say how its classes are hashed, so it is not asked."""
        watched = [reference() for reference in self._watched]
        objects = self._get_objects()  # not in a new list: that would list itself, and hold all until it is collected
        objects += [each for each in watched if each is not None]
        kinds = {_number(type(each)): type(each) for each in objects}
        telling = {number for number, kind in kinds.items() if may_tell(kind)}
        return [each for each in objects if _number(type(each)) in telling]

    def _may_be_short(self) -> bool:
        """Whether nobody can see what is left out of the end."""
        try:
            # What is in another stream than these is written when that stream ends.
            if not self._is_last or sys.stdout is not sys.__stdout__ or sys.stderr is not sys.__stderr__:
                return False
            # They could see what is there.
            if _thread._count() > 0 or not all(map(is_known_to_collectors, gc.callbacks)):
                return False
            return self._is_quiet()
        except Exception:  # of something that is made in a strange way, or that an exit function has deleted
            return False

    def _choose(self) -> None:
        while _last:
            _last.pop()(self._get_objects)
        if not self._may_be_short():
            if not self.has_program_frozen():  # else nothing of ours is frozen
                self._unfreeze()
            self._modules.clear()
            for let_go in self._let_go:
                let_go()
            return
        made = ((name, reference()) for name, reference in self._made)
        self._modules.update((name, module) for name, module in made if module is not None)
        for name, module in self._modules.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
