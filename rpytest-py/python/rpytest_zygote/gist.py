"""What the modules of a project hold, as a number: two processes that went the same way must hold the same.

What differs was drawn, or read from a clock, where no call is seen: by a function in C that another one calls, or by
native code. Nobody's own code is called. See docs/design/latency.md.
"""

from __future__ import annotations

import datetime
import sys
import zlib
from types import FunctionType, ModuleType
from typing import Any

from rpytest_zygote import world

_DEEPEST = 6
_MOST = 200_000
"""Values that are looked at."""
_PLAIN = (int, float, complex, str, bytes, bytearray, bool, type(None), range, type(...))
_MOMENTS = (datetime.date, datetime.time, datetime.timedelta)
_WITH_BYTES = "tobytes"


def of_modules() -> int:
    """That of the modules that are neither of the standard library nor installed."""
    gist = _Gist()
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(module, ModuleType) and isinstance(file, str) and not _is_installed(file):
            gist.take(name, 0)
            gist.take(vars(module), 0)
    return gist.digest


def _is_installed(file: str) -> bool:
    return world.is_standard(file) or "-packages" in file


class _Gist:
    def __init__(self) -> None:
        self.digest = 0
        self._seen: dict[int, Any] = {}

    def take(self, value: Any, depth: int) -> None:
        """Add what a value is."""
        kind = type(value)
        self._add(kind.__name__)
        if kind in _PLAIN:
            self._add(repr(value))
        elif isinstance(value, _MOMENTS):
            base: Any = next(base for base in type.mro(kind) if base.__module__ == "datetime")
            self._add(base.__repr__(value))
        elif depth < _DEEPEST and id(value) not in self._seen and len(self._seen) < _MOST:
            self._seen[id(value)] = value
            for part in self._parts(value, kind):
                self.take(part, depth + 1)

    def _parts(self, value: Any, kind: type) -> list[Any]:
        if issubclass(kind, dict):
            return [part for item in dict.items(value) for part in item]
        if issubclass(kind, (list, tuple, set, frozenset)):
            base = next(base for base in (list, tuple, set, frozenset) if issubclass(kind, base))
            parts = list(base.__iter__(value))
            return parts if base in (list, tuple) else sorted(map(repr, filter(_is_plain, parts)))
        if kind is FunctionType:
            return [value.__defaults__, value.__kwdefaults__]
        if kind.__module__.partition(".")[0] in world.NATIVE:
            return [value.tobytes()] if _WITH_BYTES in dir(kind) and kind.__module__ == "numpy" else [repr(value)]
        if kind.__module__ == "builtins" or isinstance(value, ModuleType):
            return []
        slots = [name for base in type.mro(kind) for name in vars(base).get("__slots__", ())]
        held = [object.__getattribute__(value, name) for name in slots if _has(value, name)]
        namespace = _namespace(value)
        return [*held, *(part for item in namespace.items() for part in item)]

    def _add(self, text: str) -> None:
        self.digest = zlib.crc32(text.encode("utf-8", "surrogatepass"), self.digest)


def _is_plain(value: Any) -> bool:
    return type(value) in _PLAIN


def _has(value: Any, name: str) -> bool:
    try:
        object.__getattribute__(value, name)
    except AttributeError:
        return False
    return True


def _namespace(value: Any) -> dict[str, Any]:
    try:
        kind: Any = type if isinstance(value, type) else object
        found = kind.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return dict(found)
