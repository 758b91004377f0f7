"""Constants that the code of a module gives to names in passing (`VERSION = 3`), and lists, tuples and dictionaries of
such: which are other ones in other code.

See docs/design/latency.md.
"""

from __future__ import annotations

import dis
from bisect import bisect_left, bisect_right
from collections import Counter
from types import CodeType
from typing import Any, NamedTuple

from rpytest_zygote.codes import inner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LOADS, STORES, _DELETES = "LOAD_CONST", "STORE_NAME", ("DELETE_NAME", "DELETE_GLOBAL")
_UNSEEN = ("EXTENDED_ARG", "CACHE")
_RETURNS = ("RETURN_VALUE", "RETURN_CONST")
_JUMPS = (*dis.hasjrel, *dis.hasjabs)
_TOLD = (*dis.hasname, *dis.haslocal, *dis.hasfree, *dis.hascompare)
"""Instructions whose argument is the number of something that can be told."""
_PLAIN = (int, float, complex, str, bytes, bool, type(None))
_ADDS = ("MAP_ADD", "LIST_EXTEND")
"""To what is below what they take."""
_NEVER = ("__", "pytest")
"""How names begin that somebody asks for whom nobody sees, or who is known to look at nothing else."""


def _is_plain(constant: Any) -> bool:
    """A number that is none (`nan`) is not told from others by its text."""
    if type(constant) is tuple:
        return all(map(_is_plain, constant))
    return type(constant) in _PLAIN and bool(constant == constant)


def is_same_value(one: Any, other: Any) -> bool:
    """Whether nothing but `is` tells these from each other, as far as they are such constants."""
    if type(one) is not type(other):
        return False
    if type(one) is dict:
        one, other = list(one.items()), list(other.items())
    if type(one) in (list, tuple):
        return len(one) == len(other) and all(map(is_same_value, one, other))
    return type(one) in _PLAIN and repr(one) == repr(other)


def candidates(code: CodeType) -> set[str]:
    """The names that the code of a module gives constants, and for which it does nothing else itself."""
    return _Outline(code).names


def reassigned(
    old: CodeType, new: CodeType, is_free: Callable[[str], bool], has_lines: bool
) -> dict[str, tuple[Any, Any]] | None:
    """The names that one code of a module gives another constant than the other: what it gave, and what it gives.

    It may do so where the name `is_free`. None where the codes differ in more; `has_lines`: what else is done must be
    done in the same lines.
    """
    before, after = _Outline(old), _Outline(new)
    free = {each for each in before.names & after.names if is_free(each)}
    # What is given last is given in any case, what is given earlier may not be.
    if list(before.last) != list(after.last) or not free >= before.last.keys():
        return None
    if before.shape(free, has_lines) != after.shape(free, has_lines):
        return None
    pairs = {each: (before.constant(each), after.constant(each)) for each in free}
    changed = {each: pair for each, pair in pairs.items() if pair[0] is not pair[1] and not is_same_value(*pair)}
    return None if any(value is ... for pair in changed.values() for value in pair) else changed


class _Place(NamedTuple):
    """Where a name gets a constant."""

    name: str
    first: int
    """The instruction that begins to make it; the last gives it to the name."""
    value: Any


class _Outline:
    """What the code of a module does, and the names to which it gives a constant."""

    def __init__(self, code: CodeType) -> None:
        self._code = code
        self._instructions = [each for each in dis.get_instructions(code) if each.opname not in _UNSEEN]
        self._offsets = [each.offset for each in self._instructions]
        jumps = {each.argval for each in self._instructions if each.opcode in _JUMPS}
        self._jumps = sorted(jumps.union(target for _, _, target, *_ in _guarded(code)))
        self._places = {last: place for last, place in self._found() if not place.name.startswith(_NEVER)}
        """By the instruction that gives it to the name."""
        mentioned = Counter(each.argval for each in self._instructions if each.opcode in dis.hasname)
        given = Counter(place.name for place in self._places.values())
        deletes = any(each.opname in _DELETES for each in self._instructions)  # then an order is not what it seems
        self.names = {name for name, times in given.items() if times == mentioned[name] and not deletes}
        """Those for which it does nothing else."""
        self._places = {last: place for last, place in self._places.items() if place.name in self.names}
        self._in_one_place = {each.name: each.value for each in self._places.values() if given[each.name] == 1}
        """Names that are given a constant in one place, with that."""
        self._end = self._places_at_the_end()
        self.last = {self._places[each].name: self._places[each].value for each in self._end}
        """What names are given last of all, whatever came before."""

    def _found(self) -> Iterator[tuple[int, _Place]]:
        """All of them, in order."""
        first, made = 0, list[Any]()
        for at, each in enumerate(self._instructions):
            # One arm of an expression (`x or 3`) has something else that leads to the store.
            is_one = len(made) == 1 and not self._is_reached(self._offsets[first], each.offset)
            if each.opname == STORES and is_one:
                yield at, _Place(str(each.argval), first, made[0])
            if not _make(made, each):
                first, made = at + 1, []

    def _places_at_the_end(self) -> list[int]:
        """Those behind which nothing else is done any more, in order."""
        returns = [at for at, each in enumerate(self._instructions) if each.opname in _RETURNS]
        if len(returns) != 1:
            return []
        begin = returns[0] - (self._instructions[returns[0]].opname != _RETURNS[1])  # it loads what it returns
        places: list[int] = []
        while begin - 1 in self._places:
            places.insert(0, begin - 1)
            begin = self._places[begin - 1].first
        first, last = (self._offsets[at] for at in (begin, returns[0]))
        is_passed = self._is_reached(first, last)
        is_guarded = any(start <= last and first < end for start, end, *_ in _guarded(self._code))
        return [] if is_passed or is_guarded else places

    def _is_reached(self, first: int, last: int) -> bool:
        """Whether something leads to a place behind the first offset, up to the last."""
        return bisect_right(self._jumps, first) != bisect_right(self._jumps, last)

    def constant(self, name: str) -> Any:
        """What it has been given when all is done; `...` where that is not known."""
        return self.last.get(name, self._in_one_place.get(name, ...))

    def shape(self, free: set[str], has_lines: bool) -> list[Any]:
        """All that it does before the last constants are given; these names may be given any constant."""
        skipped = {each for last in self._end for each in range(self._places[last].first, last + 1)}
        for last, place in self._places.items():
            if place.name in free and place.name in self._in_one_place.keys() | self.last.keys():
                skipped.update(range(place.first, last))
        kept = [at for at in range(len(self._instructions)) if at not in skipped]
        offsets = [self._offsets[at] for at in kept]
        code: Any = self._code
        lines = list(code.co_lines()) if has_lines else []
        starts = [start for start, _, _ in lines]
        return [
            *(code.co_name, code.co_flags, code.co_varnames, code.co_cellvars, code.co_freevars, len(inner(code))),
            *(self._told(at, offsets) for at in kept),
            *(_line(lines, starts, self._instructions[at]) for at in kept),
            *([bisect_left(offsets, each) for each in entry[:3]] + entry[3:] for entry in _guarded(code)),
        ]

    def _told(self, at: int, offsets: list[int]) -> tuple[Any, ...]:
        """An instruction, whatever numbers it has for what it works with."""
        each = self._instructions[at]
        argument: Any = each.arg
        if each.opcode in dis.hasconst:
            value = each.argval
            argument = (type(value), repr(value), value)
            if isinstance(value, CodeType):
                argument = [code is value for code in inner(self._code)].index(True)
        elif each.opcode in _JUMPS:
            argument = bisect_left(offsets, each.argval)
        elif each.opcode in _TOLD:
            argument = each.argrepr
        return each.opname, argument


def _make(made: list[Any], each: Any) -> bool:
    """Do what an instruction does with constants that are on the stack, and with what is made of them.

    False where it does something else, and where it fails.
    """
    name, count = each.opname, each.arg
    if name == _LOADS:
        made.append(each.argval)
        return _is_plain(each.argval)
    taken = {"BUILD_MAP": 2 * (count or 0), "BUILD_CONST_KEY_MAP": (count or 0) + 1, "MAP_ADD": 2, "LIST_EXTEND": 1}
    wanted = taken.get(name, count if name in ("BUILD_LIST", "BUILD_TUPLE") else None)
    if wanted is None or len(made) < wanted + (name in _ADDS) or (name in _ADDS and count != 1):
        return False
    parts = made[len(made) - wanted :]
    del made[len(made) - wanted :]
    try:
        if name == "BUILD_LIST":
            made.append(parts)
        elif name == "BUILD_TUPLE":
            made.append(tuple(parts))
        elif name == "BUILD_MAP":
            made.append(dict(zip(parts[::2], parts[1::2])))
        elif name == "BUILD_CONST_KEY_MAP":
            made.append(dict(zip(parts.pop(), parts)))
        elif name == "MAP_ADD":
            made[-1][parts[0]] = parts[1]
        else:
            made[-1].extend(parts[0])
    except TypeError:  # a key that is a list
        return False
    return True


def _guarded(code: Any) -> list[list[Any]]:
    """Where which handlers of exceptions begin, as far as this Python has a table of them."""
    has_table = hasattr(code, "co_exceptiontable")
    return [list(each) for each in dis.Bytecode(code).exception_entries] if has_table else []  # type: ignore[attr-defined]


def _line(lines: list[tuple[int, int, int | None]], starts: list[int], each: Any) -> int | None:
    """Behind the last statement is a return that has its line, and at which nobody can look."""
    if not lines or each.opname in (_LOADS, *_RETURNS):
        return None
    return lines[bisect_right(starts, each.offset) - 1][2]
