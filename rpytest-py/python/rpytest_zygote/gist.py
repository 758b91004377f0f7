"""What the modules of a project hold, as a number: two processes that went the same way must hold the same.

What differs was drawn, or read from a clock, where no call is seen: by a function in C that another one calls, or by
native code. Nobody's own code is called. See docs/design/latency.md.
"""

from __future__ import annotations

import collections
import datetime
import functools
import sys
import zlib
from types import FunctionType, MethodType, ModuleType
from typing import Any

from rpytest_zygote import world

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_DEEPEST = 10
_MOST = 200_000
"""Values that are looked at."""
_PLAIN = (int, float, complex, str, bytes, bytearray, bool, type(None), range, type(...))
_TOLD = (datetime.datetime, datetime.date, datetime.time, datetime.timedelta)
"""What says everything about itself, in a way that subclasses cannot change."""
_MEMBERS: dict[type, Callable[[Any], Iterable[Any]]] = {
    dict: lambda value: (part for item in dict.items(value) for part in item),
    list: list.__iter__,
    tuple: tuple.__iter__,
    set: lambda value: sorted(map(repr, filter(_is_plain, set.__iter__(value)))),
    frozenset: lambda value: sorted(map(repr, filter(_is_plain, frozenset.__iter__(value)))),
    collections.deque: collections.deque.__iter__,
    functools.partial: lambda value: [_PARTIAL["func"](value), _PARTIAL["args"](value), _PARTIAL["keywords"](value)],
    FunctionType: lambda value: [value.__defaults__, value.__kwdefaults__],
    MethodType: lambda value: [value.__self__, value.__func__],
    staticmethod: lambda value: [value.__func__],
    classmethod: lambda value: [value.__func__],
    property: lambda value: [property.fget.__get__(value), property.fset.__get__(value)],  # type: ignore[attr-defined]
}
"""What is in values of these types."""
_PARTIAL = {name: vars(functools.partial)[name].__get__ for name in ("func", "args", "keywords")}


def of_modules() -> int:
    """That of the modules that are neither of the standard library nor installed."""
    gist = _Gist()
    for name, module in sorted(sys.modules.items(), key=_first):
        if type(module) is not ModuleType:
            continue
        namespace = _namespace(module)
        file = namespace.get("__file__")
        if type(file) is str and not _is_installed(file):
            gist.take(name, 0)
            gist.take(namespace, 0)
    return gist.digest


def _first(item: tuple[str, Any]) -> str:
    return str(item[0])


def _is_installed(file: str) -> bool:
    return world.is_standard(file) or "-packages" in file


class _Gist:
    """Asks values for nothing but what their types hold: a lazy object is not to be woken."""

    def __init__(self) -> None:
        self.digest = 0
        self._seen: dict[int, Any] = {}

    def take(self, value: Any, depth: int) -> None:
        """Add what a value is."""
        kind = type(value)
        bases = type.mro(kind) if not issubclass(kind, type) else [kind]
        self._add(_own(kind, "__qualname__"))
        if kind in _PLAIN:
            self._add(repr(value))
            return
        told = next((base for base in bases if base in _TOLD), None)
        if told is not None:
            self._add(told.__repr__(value))
        if depth < _DEEPEST and id(value) not in self._seen and len(self._seen) < _MOST:
            self._seen[id(value)] = value
            for part in self._parts(value, kind, bases):
                self.take(part, depth + 1)

    def _parts(self, value: Any, kind: type, bases: list[type]) -> list[Any]:
        of_members = next((_MEMBERS[base] for base in bases if base in _MEMBERS), None)
        found = [] if of_members is None else list(of_members(value))
        if kind is FunctionType:
            found += [_contents(cell) for cell in value.__closure__ or ()]
        if kind is _own_array():
            return [] if value.dtype.hasobject else [value.tobytes()]
        if _own(kind, "__module__").partition(".")[0] in world.NATIVE or kind in (ModuleType, type(_Gist.take)):
            return found
        slots = [name for base in bases for name in type.__getattribute__(base, "__dict__").get("__slots__", ())]
        held = [object.__getattribute__(value, name) for name in slots if _has(value, name)]
        namespace = _namespace(value)
        return [*found, *held, *(part for item in namespace.items() for part in item)]

    def _add(self, text: str) -> None:
        self.digest = zlib.crc32(text.encode("utf-8", "surrogatepass"), self.digest)


def _own(kind: type, name: str) -> str:
    """What a class says of itself, whatever its own class makes of that."""
    found = type.__getattribute__(kind, name)
    return found if type(found) is str else "?"


def _own_array() -> Any:
    return vars(sys.modules["numpy"]).get("ndarray") if "numpy" in sys.modules else None


def _contents(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it is empty
        return None


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
