"""Whether modules are in the state in which they were: their namespaces, and all classes, containers and instances
that hang from them.

What is compared is identity, in C and without running anybody's code. See docs/design/shelf.md.
"""

from __future__ import annotations

import sys
from itertools import chain
from operator import is_

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType
    from typing import Any

_FUNCTION = type(lambda: None)
_MODULE = type(sys)
_CLASS_DICTIONARY: Any = type.__dict__["__dict__"]
_ATOMS: tuple[Any, ...] = (
    int,
    float,
    complex,
    str,
    bytes,
    bool,
    type(None),
    type(Ellipsis),
    type(len),
    type((1).__add__),
    range,
)
_CACHES = ("._value2member_map_",)
"""Where an enumeration keeps the combinations of flags that somebody has asked for."""
_IMPORT_SYSTEMS = ("__spec__", "__loader__")
_WRAPPERS = (staticmethod, classmethod)


class Part:
    """One thing that can change, how it is called, and what it held."""

    __slots__ = ("held", "kind", "module", "name", "owner", "views")

    def __init__(self, kind: str, name: str, owner: Any, views: tuple[Any, ...]) -> None:
        self.kind = kind
        self.module = ""
        self.name = name
        self.owner = owner
        self.views = views
        self.held: tuple[Any, ...] = ()
        self.take()

    def take(self) -> None:
        """Hold on to what it holds now."""
        self.held = tuple(chain.from_iterable(self.views))

    def changed_keys(self) -> list[Any]:
        """Of a mapping: the keys that are new, gone, or mean something else."""
        half = len(self.held) // 2
        old, now = dict(zip(self.held[:half], self.held[half:])), dict(zip(*self.views))
        return [key for key in {**old, **now} if key not in old or key not in now or old[key] is not now[key]]

    def is_as_it_was(self) -> bool:
        """Whether it still holds the same objects in the same order."""
        held = self.held
        try:
            return sum(map(len, self.views)) == len(held) and all(map(is_, chain.from_iterable(self.views), held))
        except RuntimeError:  # it changes while we look
            return False


def parts_of(modules: Iterable[ModuleType], seen: set[int]) -> dict[str, list[Part]]:
    """The parts of each module that are not in `seen` yet, by the name of the module that they are first found in."""
    modules = list(modules)
    seen.update(map(id, modules))
    seen.update(id(vars(module)) for module in modules)
    found = {module.__name__: list(_Walk(module, seen).parts()) for module in modules}
    for name, parts in found.items():
        for part in parts:
            part.module = name
    return found


class _Walk:
    """Everything of one module that can change."""

    def __init__(self, module: ModuleType, seen: set[int]) -> None:
        self._name = module.__name__
        self._module = module
        self._root = vars(module)
        self._seen = seen
        self._queue: list[tuple[str, Any]] = []

    def parts(self) -> Iterator[Part]:
        yield Part("module", self._name, self._module, (self._root.keys(), self._root.values()))
        self._enqueue_all(self._name, self._root)
        while self._queue:
            name, thing = self._queue.pop()
            yield from self._part(name, thing)

    def _enqueue_all(self, name: str, mapping: Any) -> None:
        for key, value in list(mapping.items()):
            if key in _IMPORT_SYSTEMS:
                continue
            self._enqueue(f"{name}.{key}" if type(key) is str else f"{name}[...]", value)

    def _enqueue(self, name: str, thing: Any) -> None:
        if type(thing) in _ATOMS or id(thing) in self._seen or _is_ours(type(thing)):
            return
        self._seen.add(id(thing))
        self._queue.append((name, thing))

    def _part(self, name: str, thing: Any) -> Iterator[Part]:
        kind = type(thing)
        if issubclass(kind, type):
            if type.__getattribute__(thing, "__module__") not in sys.modules:
                return
            namespace = _CLASS_DICTIONARY.__get__(thing)
            yield Part("class", name, thing, (namespace.keys(), namespace.values()))
            self._enqueue_all(name, namespace)
        elif issubclass(kind, _MODULE):
            return
        elif kind is _FUNCTION:
            for cell in thing.__closure__ or ():
                try:
                    self._enqueue(f"{name}()", cell.cell_contents)
                except ValueError:
                    continue
            if thing.__dict__:
                self._enqueue_all(name, thing.__dict__)
        elif issubclass(kind, _WRAPPERS):
            self._enqueue(name, thing.__func__)
        elif kind is property:
            for function in (thing.fget, thing.fset, thing.fdel):
                self._enqueue(name, function)
        else:
            yield from self._container(name, thing, kind)

    def _container(self, name: str, thing: Any, kind: type) -> Iterator[Part]:
        if issubclass(kind, dict):
            views = (dict.keys(thing), dict.values(thing))
            if not name.endswith(_CACHES):
                yield Part("dict", name, thing, views)
            for key, value in list(dict.items(thing)):
                self._enqueue(f"{name}[...]", key)
                self._enqueue(f"{name}[{key!r}]" if type(key) is str else f"{name}[...]", value)
        elif kind in (list, set, frozenset, tuple) or (kind.__module__ == "collections" and kind.__name__ == "deque"):
            if kind is not tuple and kind is not frozenset:
                yield Part("set" if kind is set else "list", name, thing, (thing,))
            for each in list(thing):
                self._enqueue(f"{name}[...]", each)
        namespace = _instance_dictionary(thing)
        if namespace is not None and id(namespace) not in self._seen:
            self._seen.add(id(namespace))
            yield Part("instance", name, thing, (namespace.keys(), namespace.values()))
            self._enqueue_all(name, namespace)


def _instance_dictionary(thing: Any) -> dict[str, Any] | None:
    try:
        namespace = object.__getattribute__(thing, "__dict__")
    except AttributeError:
        return None
    return namespace if type(namespace) is dict else None


def _is_ours(kind: type) -> bool:
    return str(kind.__module__).startswith("rpytest_zygote")
