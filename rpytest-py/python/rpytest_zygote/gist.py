"""What the modules of a project hold, as a number: two processes that went the same way must hold the same.

What differs was drawn, or read from a clock, where no call is seen: by a function in C that another one calls, or by
native code. Nobody's own code is called. See docs/design/latency.md.
"""

from __future__ import annotations

import _random
import collections
import datetime
import functools
import gc
import re
import sys
import zlib
from types import FunctionType, MemberDescriptorType, ModuleType
from typing import Any

from rpytest_zygote import world
from rpytest_zygote.lookups import behind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_DEEPEST = 10
_MOST = 1_000_000
"""Values that are looked at."""
_UNRELATED = world.NATIVE | {"_pytest", "pluggy", "importlib", "_frozen_importlib", "_frozen_importlib_external"}
"""Packages whose objects hold what is not the project's; native ones hold it where it cannot be seen."""
_ADDRESSES = range(0x5500_0000_0000, 0x8000_0000_0000, 16)
"""Numbers that are most likely those of objects (`id`): they differ, and no object is in two processes."""
_IN_TEXT = re.compile(r"(?<![\d.])\d{14,15}(?![\d.])|0x[0-9a-f]{12}\b")
"""Where such a number may be in a text: pydantic names classes so."""
_KEY = re.compile(r"-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}['\"]+\Z")
"""The end of what OpenTelemetry calls its keys, quoted: it is drawn, see `world.DRAWS_AT_IMPORT`."""
_MARKS = "_pytest.mark.structures"
"""What a project gives to marks is in objects of this module."""
_PLAIN = (int, float, complex, str, bytes, bytearray, bool, type(None), range, type(...))
_CACHE = type(functools.lru_cache(len))
_TOLD: tuple[Any, ...] = (datetime.datetime, datetime.date, datetime.time, datetime.timedelta)
"""What says everything about itself, in a way that subclasses cannot change."""
_MEMBERS: dict[type, Callable[[Any], Iterable[Any]]] = {
    dict: lambda value: (part for item in dict.items(value) for part in item),
    list: list.__iter__,
    tuple: tuple.__iter__,
    set: lambda value: sorted(map(repr, filter(_is_plain, set.__iter__(value)))),
    frozenset: lambda value: sorted(map(repr, filter(_is_plain, frozenset.__iter__(value)))),
    collections.deque: collections.deque.__iter__,
    FunctionType: lambda value: [value.__defaults__, value.__kwdefaults__],
}
"""What is in values of these types."""


def of_modules() -> int:
    """That of the modules that are not the standard library's, nor pytest's, nor native packages'."""
    gist = _Gist()
    for name, module in sorted(sys.modules.items(), key=_first):
        if type(module) is not ModuleType:
            continue
        namespace = _namespace(module)
        file = namespace.get("__file__")
        if type(file) is str and not world.is_standard(file) and _is_related(name):
            gist.take(name, 0)
            gist.take(namespace, 0)
    return gist.digest


def _first(item: tuple[str, Any]) -> str:
    return str(item[0])


def _is_related(name: str) -> bool:
    return name.partition(".")[0] not in _UNRELATED and name not in world.KEEPS_ITS_NUMBER


class _Gist:
    """Asks values for nothing but what their types hold: a lazy object is not to be woken."""

    def __init__(self) -> None:
        self.digest = 0
        self._seen: dict[int, Any] = {}
        self._has_keys = "opentelemetry.context" in sys.modules

    def take(self, value: Any, depth: int) -> None:
        """Add what a value is."""
        value = behind(value)
        kind = type(value)
        bases = type.mro(kind) if not issubclass(kind, type) else [kind]
        self._add(_own(kind, "__qualname__"))
        plain: Any = next((base for base in bases if base in _PLAIN), None)
        if plain is not None:
            is_address = plain is int and int.__index__(value) in _ADDRESSES
            text = "" if is_address else plain.__repr__(value)
            self._add(self._lasting(text) if plain is str else text)
        if kind in _PLAIN:
            return
        told: Any = next((base for base in bases if base in _TOLD), None)
        if told is not None:
            self._add(told.__repr__(value))
        if depth < _DEEPEST and id(value) not in self._seen and len(self._seen) < _MOST:
            self._seen[id(value)] = value
            for part in self._parts(value, kind, bases):
                self.take(part, depth + 1)

    def _parts(self, value: Any, kind: type, bases: list[type]) -> list[Any]:
        of_members = next((_MEMBERS[base] for base in bases if base in _MEMBERS), None)
        found = [] if of_members is None else list(of_members(value))
        if kind is _CACHE:
            return gc.get_referents(value)
        if kind is FunctionType:
            return [*found, *map(_contents, value.__closure__ or ()), *_items(value)]
        if issubclass(kind, _random.Random):
            found.append(_random.Random.getstate(value))
        if kind is _own_array():
            return [] if value.dtype.hasobject else [value.tobytes()]
        module = _own(kind, "__module__")
        if kind is ModuleType or (module.partition(".")[0] in _UNRELATED and module != _MARKS):
            return found
        if issubclass(kind, type):
            return _items_of_class(value)
        members = (each for base in bases for each in type.__getattribute__(base, "__dict__").values())
        held = [_held(each, value) for each in members if type(each) is MemberDescriptorType]
        return [*found, *held, *_items(value)]

    def _lasting(self, text: str) -> str:
        """What of it is the same in two processes."""
        text = _IN_TEXT.sub(_without_address, text)
        return _KEY.sub("", text) if self._has_keys else text

    def _add(self, text: str) -> None:
        self.digest = zlib.crc32(text.encode("utf-8", "surrogatepass"), self.digest)


def _without_address(found: re.Match[str]) -> str:
    base = 16 if found[0].startswith("0x") else 10
    return "" if int(found[0], base) in _ADDRESSES else found[0]


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


def _held(member: Any, value: Any) -> Any:
    """What is in a slot of it."""
    try:
        return member.__get__(value)
    except AttributeError:
        return None


def _items(value: Any) -> list[Any]:
    return [part for item in _namespace(value).items() for part in item]


def _items_of_class(value: type) -> list[Any]:
    """Those of native packages may have them in an order that is drawn, as Rust's tables have."""
    module = _own(value, "__module__")
    if module == "builtins":
        return []
    items: Iterable[tuple[Any, Any]] = _namespace(value).items()
    if module.partition(".")[0] in world.NATIVE:
        items = sorted(items, key=_first)
    return [part for item in items for part in item]


def _namespace(value: Any) -> dict[str, Any]:
    try:
        kind: Any = type if issubclass(type(value), type) else object
        found = kind.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return dict(found)
