"""What must be made anew when a module is handed out: nothing that is random may be shared by two runs.

Also the threads of numerical libraries, which no fork has. See docs/design/shelf.md.
"""

from __future__ import annotations

import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType
    from typing import Any

_UUID_BYTES = 16
_TASKS = "/proc/self/task"
THREADED = "numpy"
"""The library whose threads are known to be stopped before a fork, and to be started again by what needs them."""
SEEDED = "numpy.random.mtrand"
"""The module whose global generator is seeded when it is imported."""


def native_threads() -> int:
    """How many threads there are beside this one."""
    return len(os.listdir(_TASKS)) - 1 if os.path.isdir(_TASKS) else 0


def stop_threads() -> bool:
    """Fork, which OpenBLAS prepares for by ending its threads; whether none is left."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return native_threads() == 0


def start_threads(numpy: Any) -> None:
    """As importing NumPy does; here by a product that is large enough to be shared out."""
    square = numpy.ones((256, 256))
    square @ square


def can_seed(mtrand: Any) -> bool:
    """Whether this NumPy can put another generator behind its global functions."""
    return hasattr(mtrand, "set_bit_generator")


def seed(modules: Mapping[str, Any]) -> None:
    """As importing NumPy does: from the system's entropy."""
    modules[SEEDED].set_bit_generator(modules["numpy.random._mt19937"].MT19937())


def tokens(drawn: Sequence[bytes]) -> list[tuple[int, int, list[tuple[str, str]]]] | None:
    """Where the random identifiers went that an import has made: texts that nothing holds but namespaces of modules.

    Of each text: from where to where the identifier is in it, and the modules and names. None: somewhere else.
    """
    found = []
    for data in drawn:
        places = _places(data) if len(data) == _UUID_BYTES else None
        if places is None:
            return None
        found.append(places)
    return found


def _places(data: bytes) -> tuple[int, int, list[tuple[str, str]]] | None:
    import uuid

    text = str(uuid.UUID(bytes=data, version=4))
    namespaces = {name: vars(module) for name, module in list(sys.modules.items()) if hasattr(module, "__dict__")}
    entries = [
        (name, key, value)
        for name, namespace in namespaces.items()
        for key, value in list(namespace.items())
        if type(value) is str and text in value
    ]
    if not entries or any(value is not entries[0][2] for _, _, value in entries):
        return None
    known = set(map(id, namespaces.values()))
    whole = entries[0][2]
    places = [(name, key) for name, key, _ in entries]
    entries.clear()
    if any(id(holder) not in known for holder in gc.get_referrers(whole) if type(holder).__name__ != "frame"):
        return None
    start = whole.index(text)
    return (start, start + len(text), places)


class Token:
    """A random identifier that is made anew for each run that gets it."""

    def __init__(
        self, start: int, end: int, places: Sequence[tuple[str, str]], modules: Mapping[str, ModuleType]
    ) -> None:
        self._start = start
        self._end = end
        self.places = [(modules[name], key) for name, key in places if name in modules]

    def renew(self) -> None:
        """Draw another one."""
        data = bytearray(os.urandom(_UUID_BYTES))
        data[6] = data[6] & 0x0F | 0x40  # as RFC 4122 marks random ones
        data[8] = data[8] & 0x3F | 0x80
        digits = data.hex()
        new = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        old = vars(self.places[0][0])[self.places[0][1]]
        text = old[: self._start] + new + old[self._end :]
        for module, key in self.places:
            vars(module)[key] = text
