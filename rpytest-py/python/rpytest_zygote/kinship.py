"""Classes on the shelf, and the classes that they derive from, which must not know them yet.

`__subclasses__()` tells of every class there is. What it goes by is a dictionary of weak references, which the
collector knows of: a class on the shelf is taken out, and comes last when it is handed out, as if it had been made
then. See docs/design/shelf.md.
"""

from __future__ import annotations

import gc
import weakref
from typing import Any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_HEAP = 1 << 9
"""Py_TPFLAGS_HEAPTYPE: the interpreter's own classes are left as they are."""


def classes() -> Iterator[type]:
    """All that there are."""
    pending: list[type] = [object]
    known = {id(object)}
    while pending:
        kind = pending.pop()
        yield kind
        new = [child for child in type.__subclasses__(kind) if id(child) not in known]
        known.update(map(id, new))
        pending += new


def families() -> Iterator[tuple[type, list[type]]]:
    """Each class that was not made by the interpreter itself, with those that derive from it, oldest first."""
    for kind in list(classes()):
        children = type.__subclasses__(kind)
        if kind.__flags__ & _HEAP and children:
            yield kind, children


class Registers:
    """The dictionaries by which classes know those that derive from them."""

    def __init__(self) -> None:
        self._by_first: dict[int, list[dict[int, Any]]] = {}
        for each in gc.get_objects():
            if type(each) is dict and each:
                first = next(iter(each))
                if type(first) is int and type(each[first]) is weakref.ReferenceType:
                    self._by_first.setdefault(first, []).append(each)

    def of(self, base: type, children: list[type]) -> dict[int, Any] | None:
        """That of a class, which is proved by taking something out of it; None where it is not found."""
        for found in self._by_first.get(id(children[0]), ()):
            if list(found) != list(map(id, children)):
                continue
            whole = dict(found)
            del found[id(children[-1])]
            proved = type.__subclasses__(base) == children[:-1]
            found.update(whole)
            if proved and type.__subclasses__(base) == children:
                return found
        return None


class Ties:
    """What binds the classes of one lot to those of others."""

    def __init__(self) -> None:
        self._entries: list[tuple[dict[int, Any], type, Any]] = []

    def add(self, register: dict[int, Any], child: type) -> None:
        self._entries.append((register, child, register[id(child)]))

    def cut(self) -> None:
        """Nobody can tell of these classes."""
        for register, child, _ in self._entries:
            del register[id(child)]

    def mend(self) -> None:
        """They are the youngest now. What is remembered of them may come from a base that has changed meanwhile."""
        for register, child, reference in self._entries:
            register[id(child)] = reference
            type.__setattr__(child, "__doc__", vars(child)["__doc__"])


def ties(lot_of: Callable[[type], Any]) -> dict[int, Ties]:
    """For each lot, by its identity: `lot_of` tells of a class which lot it is of, None of none."""
    registers = Registers()
    found: dict[int, Ties] = {}
    for base, children in families():
        mine = [child for child in children if lot_of(child) is not None and lot_of(child) is not lot_of(base)]
        register = registers.of(base, children) if mine else None
        for child in mine if register is not None else ():
            found.setdefault(id(lot_of(child)), Ties()).add(register, child)
    return found


def bound() -> dict[str, set[str]]:
    """For each module the modules of those classes that would tell of its own, whatever we do."""
    registers = Registers()
    found: dict[str, set[str]] = {}
    for base, children in families():
        known = registers.of(base, children) is not None
        for child in children:
            if not known or "__doc__" not in vars(child):
                found.setdefault(str(child.__module__), set()).add(str(base.__module__))
    return found
