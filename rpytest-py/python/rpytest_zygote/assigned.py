"""Constants that the code of a module gives to names in passing (`VERSION = 3`): which are other ones in other code.

See docs/design/latency.md.
"""

from __future__ import annotations

import dis
from bisect import bisect_left, bisect_right
from collections import Counter
from types import CodeType
from typing import Any

from rpytest_zygote.codes import inner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_LOADS, STORES, _DELETES = "LOAD_CONST", "STORE_NAME", ("DELETE_NAME", "DELETE_GLOBAL")
_UNSEEN = ("EXTENDED_ARG", "CACHE")
_RETURNS = ("RETURN_VALUE", "RETURN_CONST")
_JUMPS = (*dis.hasjrel, *dis.hasjabs)
_TOLD = (*dis.hasname, *dis.haslocal, *dis.hasfree, *dis.hascompare)
"""Instructions whose argument is the number of something that can be told."""
_PLAIN = (int, float, complex, str, bytes, bool, type(None))
_NEVER = ("__", "pytest")
"""How names begin that somebody asks for whom nobody sees, or who is known to look at nothing else."""


def _is_plain(constant: Any) -> bool:
    """A number that is none (`nan`) is not told from others by its text."""
    return type(constant) in _PLAIN and bool(constant == constant)


def is_same_constant(one: Any, other: Any) -> bool:
    """Whether nothing but `is` tells these from each other."""
    return type(one) is type(other) and type(one) in _PLAIN and repr(one) == repr(other)


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
    changed = {each: pair for each, pair in pairs.items() if pair[0] is not pair[1] and not is_same_constant(*pair)}
    return None if any(... in pair for pair in changed.values()) else changed


class _Outline:
    """What the code of a module does, and the names to which it gives a constant."""

    def __init__(self, code: CodeType) -> None:
        self._code = code
        self._instructions = [each for each in dis.get_instructions(code) if each.opname not in _UNSEEN]
        self._offsets = [each.offset for each in self._instructions]
        self._places: dict[int, str] = {}
        """By where a constant is loaded, the name that it gets."""
        jumps = {each.argval for each in self._instructions if each.opcode in _JUMPS}
        self._jumps = sorted(jumps.union(target for _, _, target, *_ in _guarded(code)))
        for at, (one, other) in enumerate(zip(self._instructions, self._instructions[1:])):
            is_pair = one.opname == _LOADS and other.opname == STORES and _is_plain(one.argval)
            # One arm of an expression (`x or 3`), where something else leads to the store.
            is_arm = self._is_reached(one.offset, other.offset)
            if is_pair and not is_arm and not str(other.argval).startswith(_NEVER):
                self._places[at] = str(other.argval)
        mentioned = Counter(each.argval for each in self._instructions if each.opcode in dis.hasname)
        given = Counter(self._places.values())
        deletes = any(each.opname in _DELETES for each in self._instructions)  # then an order is not what it seems
        self.names = {name for name, times in given.items() if times == mentioned[name] and not deletes}
        """Those for which it does nothing else."""
        self._places = {at: name for at, name in self._places.items() if name in self.names}
        self._in_one_place = {self._places[at]: self._instructions[at].argval for at in self._places}
        """Names that are given a constant in one place, with that."""
        for name in self.names:
            if given[name] != 1:
                del self._in_one_place[name]
        self._end = self._begin_of_end()
        self.last: dict[str, Any] = {}
        """What names are given last of all, whatever came before."""
        for at in self._end:
            self.last[self._places[at]] = self._instructions[at].argval

    def _begin_of_end(self) -> range:
        """Where constants are loaded and given to names, and nothing else is done any more."""
        returns = [at for at, each in enumerate(self._instructions) if each.opname in _RETURNS]
        if len(returns) != 1:
            return range(0)
        end = returns[0] - (self._instructions[returns[0]].opname != _RETURNS[1])  # there it loads what it returns
        begin = end
        while begin - 2 in self._places:
            begin -= 2
        first, last = (self._offsets[at] for at in (begin, returns[0]))
        is_passed = self._is_reached(first, last)
        is_guarded = any(start <= last and first < end for start, end, *_ in _guarded(self._code))
        return range(0) if is_passed or is_guarded else range(begin, end, 2)

    def _is_reached(self, first: int, last: int) -> bool:
        """Whether something leads to a place behind the first offset, up to the last."""
        return bisect_right(self._jumps, first) != bisect_right(self._jumps, last)

    def constant(self, name: str) -> Any:
        """What it has been given when all is done; `...` where that is not known."""
        return self.last.get(name, self._in_one_place.get(name, ...))

    def shape(self, free: set[str], has_lines: bool) -> list[Any]:
        """All that it does before the last constants are given; these names may be given any constant."""
        skipped = {each for at in self._end for each in (at, at + 1)}
        kept = [at for at in range(len(self._instructions)) if at not in skipped]
        free = free & (self._in_one_place.keys() | self.last.keys())
        offsets = [self._offsets[at] for at in kept]
        code: Any = self._code
        lines = list(code.co_lines()) if has_lines else []
        starts = [start for start, _, _ in lines]
        return [
            *(code.co_name, code.co_flags, code.co_varnames, code.co_cellvars, code.co_freevars, len(inner(code))),
            *(self._told(at, offsets, self._places.get(at) in free) for at in kept),
            *(_line(lines, starts, self._instructions[at]) for at in kept),
            *([bisect_left(offsets, each) for each in entry[:3]] + entry[3:] for entry in _guarded(code)),
        ]

    def _told(self, at: int, offsets: list[int], is_free: bool) -> tuple[Any, ...]:
        """An instruction, whatever numbers it has for what it works with."""
        each = self._instructions[at]
        argument: Any = each.arg
        if each.opcode in dis.hasconst:
            value = each.argval
            argument = () if is_free else (type(value), repr(value), value)
            if isinstance(value, CodeType):
                argument = [code is value for code in inner(self._code)].index(True)
        elif each.opcode in _JUMPS:
            argument = bisect_left(offsets, each.argval)
        elif each.opcode in _TOLD:
            argument = each.argrepr
        return each.opname, argument


def _guarded(code: Any) -> list[list[Any]]:
    """Where which handlers of exceptions begin, as far as this Python has a table of them."""
    has_table = hasattr(code, "co_exceptiontable")
    return [list(each) for each in dis.Bytecode(code).exception_entries] if has_table else []  # type: ignore[attr-defined]


def _line(lines: list[tuple[int, int, int | None]], starts: list[int], each: Any) -> int | None:
    """Behind the last statement is a return that has its line, and at which nobody can look."""
    if not lines or each.opname in (_LOADS, *_RETURNS):
        return None
    return lines[bisect_right(starts, each.offset) - 1][2]
