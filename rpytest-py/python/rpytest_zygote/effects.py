"""What an import changes outside the modules that it makes: found by comparing, undone on the shelf, redone later.

What cannot be undone or redone is told by name, and the import is not shelved. See docs/design/shelf.md.
"""

from __future__ import annotations

import sys
from itertools import chain

from rpytest_zygote.state import Part, parts_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType
    from typing import Any

_ABSENT = object()
UNSEEN = [
    "copyreg._reconstructor",
    "encodings._cache",
    "importlib._bootstrap._blocking_on",
    "importlib._bootstrap._module_locks",
    "linecache.cache",
    "logging.root._cache",
    "os.environ._data",
    "platform._sys_version_cache",
    "platform._uname_cache",
    "posix.environ",
    "re._cache",
    "re._cache2",
    "sys.modules",
    "sys.path_importer_cache",
    "typing._cleanups",
    "typing._overload_registry",
    "sys.path",
    "warnings.filters",
    "warnings.onceregistry",
    "threading._main_thread",
    "threading._active",
    "threading._limbo",
    "threading._dangling",
    "threading._shutdown_locks",
]
"""Caches that nobody reads but their owner, and what is looked at in another way."""
SEPARATE = (
    ("warnings", "filters"),
    ("warnings", "_showwarnmsg_impl"),
    ("warnings", "showwarning"),
    (
        "warnings",
        "_filters_version",
    ),
    ("importlib._bootstrap", "_find_spec"),
)
"""Attributes of modules that are looked at in another way."""
APPENDABLE = ("logging._handlerList", "threading._threading_atexits", "logging._at_fork_reinit_lock_weakset.data")
"""What may have been added to by others: its owner goes through it only at the end, or at a fork."""

KEPT = {"weakref.finalize._registry": "finalize", "weakref.finalize": "finalize"}
"""What its owner alone looks through, and what code names that adds to it, so that the order is seen at the end."""


def find(path: str) -> Any:
    """What a dotted path leads to; None where there is nothing."""
    first, *rest = path.split(".")
    thing: Any = sys.modules.get(first)
    for position, name in enumerate(rest, 2):
        module = sys.modules.get(".".join([first, *rest][:position]))
        thing = module if module is not None else getattr(thing, name, None)
    return thing


def ignored() -> set[int]:
    """The identities of what is not compared."""
    return {id(thing) for thing in map(find, UNSEEN) if thing is not None}


class Effect:
    """One change of something older: `owner[key]` or `owner.key` was `old` and became `new`, or was appended."""

    __slots__ = ("key", "kind", "new", "old", "owner", "part")

    def __init__(self, kind: str, part: Part, owner: Any, key: Any, old: Any, new: Any) -> None:
        self.kind = kind
        self.part = part
        self.owner = owner
        self.key = key
        self.old = old
        self.new = new

    def undo(self) -> None:
        if self.kind == "item":
            del self.owner[self.key]
        elif self.kind == "append":
            del self.owner[-len(self.new) :]
        elif self.kind == "add":
            set.difference_update(self.owner, self.new)
        elif self.old is _ABSENT:
            _delete(self.owner, self.key)
        else:
            _set(self.owner, self.key, self.old)

    def redo(self) -> None:
        if self.kind == "item":
            self.owner[self.key] = self.new
        elif self.kind == "append":
            self.owner.extend(self.new)
        elif self.kind == "add":
            set.update(self.owner, self.new)
        else:
            _set(self.owner, self.key, self.new)


def _set(owner: Any, name: str, value: Any) -> None:
    (type if isinstance(owner, type) else object).__setattr__(owner, name, value)


def _delete(owner: Any, name: str) -> None:
    (type if isinstance(owner, type) else object).__delattr__(owner, name)


class Changes:
    """Compares what there is with what there was."""

    def __init__(self, modules: Iterable[ModuleType], ours: Any) -> None:
        self.seen = {*ignored(), id(ours)}
        self.parts: dict[str, list[Part]] = parts_of(modules, self.seen)

    def take_in(self, modules: Iterable[ModuleType]) -> None:
        """New modules, in the state in which they are now."""
        self.parts.update(parts_of(modules, self.seen))

    def changed(self) -> list[Part]:
        """The older things that are not as they were."""
        return [part for part in chain.from_iterable(self.parts.values()) if not part.is_as_it_was()]

    def since(self, added: Iterable[str]) -> tuple[list[Effect], list[str]]:
        """What has changed: the effects that can be undone and redone, and the names of what cannot be."""
        children = {(name.rpartition(".")[0], name.rpartition(".")[2]) for name in added}
        effects: list[Effect] = []
        others: list[str] = []
        for part in self.changed():
            try:
                effects += _effects(part, children)
            except _Unclear:
                others.append(part.name)
        return effects, others


class _Unclear(Exception):
    """The change is none that could be undone and redone."""


def _effects(part: Part, children: set[tuple[str, str]]) -> list[Effect]:
    if part.kind == "set":
        (new,) = (set(part.owner) - set(part.held),)
        if set(part.held) - part.owner:
            raise _Unclear
        return [Effect("add", part, part.owner, None, None, new)]
    if part.kind == "list":
        held, items = part.held, list(part.owner)
        if len(items) <= len(held) or any(one is not other for one, other in zip(held, items)):
            raise _Unclear
        return [Effect("append", part, part.owner, None, None, items[len(held) :])]
    if part.kind not in ("module", "class", "instance", "dict"):
        raise _Unclear
    half = len(part.held) // 2
    old = dict(zip(part.held[:half], part.held[half:]))
    now = dict(zip(*part.views))
    if part.kind == "dict":
        if list(now)[:half] != list(old) or any(now[key] is not value for key, value in old.items()):
            raise _Unclear
        return [Effect("item", part, part.owner, key, _ABSENT, value) for key, value in now.items() if key not in old]
    if any(key not in now for key in old):
        raise _Unclear
    effects = []
    for key, value in now.items():
        if old.get(key, _ABSENT) is value or (part.name, key) in SEPARATE or key == "__slotnames__":
            continue
        if part.kind == "module" and (part.name, key) in children:
            continue
        effects.append(Effect("attribute", part, part.owner, key, old.get(key, _ABSENT), value))
    return effects
