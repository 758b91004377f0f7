"""The end of a session: the interpreter tears itself down as always, and what nobody can see of that is left out.

The warm modules are kept out of its way, and what `gc.freeze` has frozen stays so: taking them down would copy every
page that the session shares with the zygote. Nobody can see that as long as nothing that the run made tells of its own
end. Where something does (`__del__`, an open file, a suspended generator), it may look at the modules or hang from one
of them, so the interpreter gets everything back. See docs/design/session.md.
"""

from __future__ import annotations

import atexit
import gc
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rpytest_zygote.shelf import Shelf

_NEVER_LEFT_OUT = {"__main__", "builtins", "sys"}
_IN_MEMORY = ("BytesIO", "StringIO")
_FRAMES = ("gi_frame", "cr_frame", "ag_frame")


class Ending:
    """Made before the warm imports: exit functions run in reverse, so this is the last.

    Unless start-up code has registered one before: that would run in an interpreter from which modules are missing, so
    then nothing is left out.
    """

    def __init__(self) -> None:
        self._get_objects = gc.get_objects
        self._unfreeze = gc.unfreeze
        self._modules: dict[str, Any] = {}
        self.last_words: Callable[[], None] | None = None
        self._is_last = atexit._ncallbacks() == 0
        atexit.register(self._choose)

    def keep(self, shelf: Shelf) -> None:
        """Keep the modules that are there now out of the way of the end."""
        older = {name: sys.modules[name] for name in shelf.baseline - _NEVER_LEFT_OUT if name in sys.modules}
        self._modules = {**older, **shelf.modules()}
        # Alive for as long as it is frozen, as no collector looks at this cycle. Thawed, it is garbage.
        kept: list[Any] = [self._modules]
        kept.append(kept)

    def _choose(self) -> None:
        if self.last_words is not None:
            self.last_words()
        # What was there before the session is frozen, so it is not among these objects.
        telling = {kind for kind in set(map(type, self._get_objects())) if _has_finalizer(kind)}
        if not self._is_last or any(type(each) in telling and _tells(each) for each in self._get_objects()):
            self._unfreeze()
            return
        for name, module in self._modules.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


def _has_finalizer(kind: type) -> bool:
    """Whether instances have `__del__`, asked in a way that runs no metaclass's code."""
    return any("__del__" in type.__getattribute__(base, "__dict__") for base in type.__getattribute__(kind, "__mro__"))


def _tells(each: Any) -> bool:
    """Whether somebody may see the end of an object that has a finalizer."""
    kind = type(each)
    if kind.__module__ == "_io":
        return not each.closed and kind.__name__ not in _IN_MEMORY and not _is_standard(each)
    if kind.__module__ == "builtins":
        return any(getattr(each, frame, None) is not None for frame in _FRAMES)
    return True


def _is_standard(stream: Any) -> bool:
    """Whether this is a layer of standard input, output or error, which the interpreter flushes itself."""
    try:
        return bool(stream.fileno() <= 2)
    except (OSError, ValueError):
        return False
