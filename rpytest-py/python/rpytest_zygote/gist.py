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
from types import FunctionType, GetSetDescriptorType, MappingProxyType, MemberDescriptorType, ModuleType
from typing import Any

from rpytest_zygote import world
from rpytest_zygote.lookups import behind
from rpytest_zygote.names import namespace

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
_PLAIN_BY_NUMBER = {id(kind): kind for kind in _PLAIN}
"""To compare classes or to look for one would ask what their own classes make of that."""
_CACHE = type(functools.lru_cache(len))
_MOMENTS: tuple[Any, ...] = (datetime.datetime, datetime.date, datetime.time, datetime.timedelta)
"""What `__reduce__` says everything about, in a way that subclasses cannot change."""
_MOMENTS_BY_NUMBER = {id(kind): kind for kind in _MOMENTS}
_MEMBERS: dict[type, Callable[[Any], Iterable[Any]]] = {
    dict: lambda value: (part for item in dict.items(value) for part in item),
    list: list.__iter__,
    tuple: tuple.__iter__,
    set: lambda value: _texts(set.__iter__(value)),
    frozenset: lambda value: _texts(frozenset.__iter__(value)),
    collections.deque: collections.deque.__iter__,
    FunctionType: lambda value: [value.__defaults__, value.__kwdefaults__],
    MappingProxyType: gc.get_referents,
    _random.Random: lambda value: [_random.Random.getstate(value)],
}
"""What is in values of these types."""
_MEMBERS_BY_NUMBER = {id(kind): members for kind, members in _MEMBERS.items()}
_DICTIONARY, _OFFSET = "__dict__", "__dictoffset__"
_OF_CLASS: dict[str, Any] = {name: vars(type)[name] for name in ("__qualname__", "__module__", _DICTIONARY, _OFFSET)}
"""What a class says of itself, whatever its own class makes of that."""


def of_modules() -> int:
    """That of the modules that are not the standard library's, nor pytest's, nor native packages'."""
    gist = _Gist()
    modules = {str.__str__(name): module for name, module in sys.modules.items() if issubclass(type(name), str)}
    for name, module in sorted(modules.items(), key=_first):
        if type(module) is not ModuleType:
            continue
        names = namespace(module)
        file = names.get("__file__")
        if type(file) is str and not world.is_standard(file) and _is_related(name):
            gist.take(name, 0)
            gist.take(names, 0)
    return gist.digest


def _first(item: tuple[str, Any]) -> str:
    return str.__str__(item[0])


def _is_related(name: str) -> bool:
    return name.partition(".")[0] not in _UNRELATED and name not in world.KEEPS_ITS_NUMBER


class _Kind:
    """What is to be taken of values of a type: nothing of it runs anybody's code, as the hash of a class may."""

    def __init__(self, kind: type) -> None:
        self.kind = kind  # thereby it stays, and its number
        is_of_classes = issubclass(kind, type)
        bases = [kind] if is_of_classes else type.mro(kind)
        self.name = _own(kind, "__qualname__")
        self.plain = _of_bases(bases, _PLAIN_BY_NUMBER)
        self.moment = _of_bases(bases, _MOMENTS_BY_NUMBER)
        self.members = _of_bases(bases, _MEMBERS_BY_NUMBER)
        self.is_array = "numpy" in sys.modules and kind is vars(sys.modules["numpy"]).get("ndarray")
        module = _own(kind, "__module__")
        is_unrelated = module.partition(".")[0] in _UNRELATED and module != _MARKS
        self.is_of_classes = is_of_classes and not is_unrelated
        # What any code may have given to it.
        has_attributes = kind is FunctionType or not (is_of_classes or is_unrelated or kind is ModuleType)
        namespaces = [_of_class(base, _DICTIONARY) for base in bases if has_attributes]
        held = [each for found in namespaces for each in found.values() if type(each) is MemberDescriptorType]
        self.slots = held if kind is not FunctionType else []
        dictionaries = (found[_DICTIONARY] for found in namespaces if _DICTIONARY in found)
        self.attributes: Any = next((each for each in dictionaries if type(each) is GetSetDescriptorType), None)
        # A class may have put something else in its place.
        self.hides_attributes = has_attributes and self.attributes is None and _OF_CLASS[_OFFSET].__get__(kind) != 0


def _of_bases(bases: list[type], by_number: dict[int, Any]) -> Any:
    return next((by_number[id(base)] for base in bases if id(base) in by_number), None)


class _Gist:
    """Asks values for nothing but what their types hold: a lazy object is not to be woken."""

    def __init__(self) -> None:
        self.digest = 0
        self._seen: dict[int, Any] = {}
        self._kinds: dict[int, _Kind] = {}
        self._has_keys = "opentelemetry.context" in sys.modules

    def take(self, value: Any, depth: int) -> None:
        """Add what a value is."""
        value = behind(value)
        kind = type(value)
        known = self._kinds.get(id(kind))
        if known is None:
            known = self._kinds[id(kind)] = _Kind(kind)
        self._add(known.name)
        plain = known.plain
        if plain is not None:
            is_address = plain is int and int.__index__(value) in _ADDRESSES
            text = "" if is_address else plain.__repr__(value)
            self._add(self._lasting(text) if plain is str else text)
            if plain is kind:
                return
        if known.moment is not None:
            self._add(repr(_plain_parts(known.moment, value)))
        if depth < _DEEPEST and id(value) not in self._seen and len(self._seen) < _MOST:
            self._seen[id(value)] = value
            for part in _parts(value, known):
                self.take(part, depth + 1)

    def _lasting(self, text: str) -> str:
        """What of it is the same in two processes."""
        text = _IN_TEXT.sub(_without_address, text)
        return _KEY.sub("", text) if self._has_keys else text

    def _add(self, text: str) -> None:
        self.digest = zlib.crc32(text.encode("utf-8", "surrogatepass"), self.digest)


def _without_address(found: re.Match[str]) -> str:
    base = 16 if found[0].startswith("0x") else 10
    return "" if int(found[0], base) in _ADDRESSES else found[0]


def _parts(value: Any, known: _Kind) -> list[Any]:
    kind = known.kind
    if kind is _CACHE:
        return gc.get_referents(value)
    if known.is_array:
        return [] if value.dtype.hasobject else [value.tobytes()]
    if known.is_of_classes:
        return _items_of_class(value)
    found = [] if known.members is None else list(known.members(value))
    if known.moment is not None:
        found += known.moment.__reduce__(value)[1]
    if kind is FunctionType:
        found += map(_contents, value.__closure__ or ())
    found += [_held(each, value) for each in known.slots]
    attributes: Any = _held(known.attributes, value) if known.attributes is not None else None
    if issubclass(type(attributes), dict):
        found += [part for item in dict.items(attributes) for part in item]
    if known.hides_attributes:
        found += gc.get_referents(value)
    return found


def _plain_parts(kind: Any, moment: Any) -> list[Any]:
    """But for its time zone, which may be anybody's."""
    return list(filter(_is_plain, kind.__reduce__(moment)[1]))


def _texts(members: Iterable[Any]) -> list[str]:
    """In order, of those that are plain through and through: others have none that is the same in two processes."""
    return sorted(text for text in map(_text, members) if text is not None)


def _text(value: Any) -> str | None:
    kind = type(value)
    if id(kind) in _PLAIN_BY_NUMBER:
        return repr(value)
    if id(kind) in _MOMENTS_BY_NUMBER:
        return repr(_plain_parts(kind, value))
    parts = list(map(_text, value)) if kind is tuple else [None]
    return None if any(part is None for part in parts) else f"({', '.join(map(str, parts))})"


def _of_class(kind: type, name: str) -> Any:
    return _OF_CLASS[name].__get__(kind)


def _own(kind: type, name: str) -> str:
    found = _of_class(kind, name)
    return found if type(found) is str else "?"


def _contents(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it is empty
        return None


def _is_plain(value: Any) -> bool:
    return id(type(value)) in _PLAIN_BY_NUMBER


def _held(member: Any, value: Any) -> Any:
    """What is in a slot of it, or all of its attributes."""
    try:
        return member.__get__(value)
    except AttributeError:
        return None


def _items_of_class(value: type) -> list[Any]:
    """Those of native packages may have them in an order that is drawn, as Rust's tables have."""
    module = _own(value, "__module__")
    if module == "builtins":
        return []
    items: Iterable[tuple[Any, Any]] = _of_class(value, _DICTIONARY).items()
    if module.partition(".")[0] in world.NATIVE:
        items = sorted(items, key=_first)
    return [part for item in items for part in item]
