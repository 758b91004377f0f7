"""Constants that the code of a module gives to names in passing (`VERSION = 3`): which are other ones in other code.

See docs/design/latency.md.
"""

from __future__ import annotations

import dis
from bisect import bisect_left, bisect_right
from types import CodeType
from typing import Any, NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_LOADS, _STORES = "LOAD_CONST", "STORE_NAME"
_UNSEEN = ("EXTENDED_ARG", "CACHE")
_RETURNS = ("RETURN_VALUE", "RETURN_CONST")
_ENDS = (*_RETURNS, "RAISE_VARARGS", "RERAISE")
_ALWAYS_JUMPS = ("JUMP_FORWARD", "JUMP_ABSOLUTE", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT")
_JUMPS = (*dis.hasjrel, *dis.hasjabs)
_SAID = (*dis.hasname, *dis.haslocal, *dis.hasfree, *dis.hascompare)
"""Instructions whose argument is the number of something that can be told."""
_PLAIN = (int, float, complex, str, bytes, bool, type(None))
ABSENT: Any = object()
"""Stands for the value of a name that there is not."""


class Assigned(NamedTuple):
    """A name, and what it has been given by one code and by another; `ABSENT` where it is given nothing."""

    name: str
    old: Any
    new: Any


def stored(code: CodeType) -> set[str]:
    """The names to which the code of a module gives values itself."""
    return {each.argval for each in dis.get_instructions(code) if each.opname == _STORES}


def is_same_constant(one: Any, other: Any) -> bool:
    """Whether both are constants, or both `ABSENT`, that nothing tells from each other but `is`."""
    return one is other or (type(one) is type(other) and type(one) in _PLAIN and repr(one) == repr(other))


def reassigned(
    old: CodeType, new: CodeType, is_free: Callable[[str], bool], can_gain: bool, has_lines: bool
) -> list[Assigned] | None:
    """What one code of a module gives to names in another way than the other; None where they differ in more than that.

    It may be another constant where the name `is_free`, and a name that comes last of all where the module `can_gain`
    some. `has_lines`: what else is done must be done in the same lines.
    """
    before, after = _Outline(old, has_lines), _Outline(new, has_lines)
    names = [*(each for each in before.constants if each not in after.constants), *after.constants]
    found = [Assigned(each, before.constants.get(each, ABSENT), after.constants.get(each, ABSENT)) for each in names]
    found = [each for each in found if is_free(each.name) and not is_same_constant(each.old, each.new)]
    found = [each for each in found if before.is_sure(each.name) and after.is_sure(each.name)]
    gone, gained = ({each.name for each in found if value(each) is ABSENT} for value in (_new, _old))
    others = {each.name for each in found} - gone - gained
    if before.shape(gone, others) != after.shape(gained, others):
        return None
    return found if not gained or (can_gain and after.ends_with(gained)) else None


def _old(each: Assigned) -> Any:
    return each.old


def _new(each: Assigned) -> Any:
    return each.new


class _Outline:
    """What the code of a module does, and the names to which it gives a constant in one place."""

    def __init__(self, code: Any, has_lines: bool) -> None:
        self._code = code
        self._instructions = [each for each in dis.get_instructions(code) if each.opname not in _UNSEEN]
        self._offsets = [each.offset for each in self._instructions]
        self._lines = list(code.co_lines()) if has_lines else []
        self._starts = [start for start, _, _ in self._lines]
        has_table = hasattr(code, "co_exceptiontable")
        self._guarded: list[Any] = list(dis.Bytecode(code).exception_entries) if has_table else []  # type: ignore[attr-defined]
        self._places: dict[int, str] = {}
        """By where a constant is loaded, the name that it gets."""
        self.constants: dict[str, Any] = {}
        names = [each.argval for each in self._instructions if each.opcode in dis.hasname]
        for at, (one, other) in enumerate(zip(self._instructions, self._instructions[1:])):
            is_pair = one.opname == _LOADS and other.opname == _STORES
            if is_pair and type(one.argval) in _PLAIN and names.count(other.argval) == 1:
                self._places[at] = other.argval
                self.constants[other.argval] = one.argval

    def is_sure(self, name: str) -> bool:
        """Whether it gets its constant once, whatever comes; or never."""
        at = next((at for at, each in self._places.items() if each == name), None)
        if at is None:
            return True
        returns = {each for each, it in enumerate(self._instructions) if it.opname in _RETURNS}
        return returns.isdisjoint(self._reached([0], at)) and at not in self._reached(self._next(at), -1)

    def _reached(self, begin: list[int], without: int) -> set[int]:
        """What can be executed from there on, but for one place."""
        found: set[int] = set()
        left = begin
        while left:
            at = left.pop()
            if at not in found and at != without:
                found.add(at)
                left += self._next(at)
        return found

    def _next(self, at: int) -> list[int]:
        """What may be executed behind this place."""
        each = self._instructions[at]
        found = [] if each.opname in _ENDS or each.opname in _ALWAYS_JUMPS else [at + 1]
        if each.opcode in _JUMPS:
            found.append(self._at(each.argval))
        return found + [self._at(entry.target) for entry in self._guarded if entry.start <= each.offset < entry.end]

    def _at(self, offset: int) -> int:
        """The place of the first instruction from there on."""
        return bisect_left(self._offsets, offset)

    def shape(self, left_out: set[str], marked: set[str]) -> list[Any]:
        """All else that it does: the constants of some names are left out, and those of others may be any."""
        skipped = {each for at, name in self._places.items() if name in left_out for each in (at, at + 1)}
        kept = [at for at in range(len(self._instructions)) if at not in skipped]
        code, guarded = self._code, self._guarded
        return [
            *(code.co_name, code.co_flags, code.co_varnames, code.co_cellvars, code.co_freevars),
            *(self._told(at, kept, self._places.get(at) in marked) for at in kept),
            *([bisect_left(kept, self._at(each)) for each in entry[:3]] for entry in guarded),
            *(entry[3:] for entry in guarded),
        ]

    def _told(self, at: int, kept: list[int], is_marked: bool) -> tuple[Any, ...]:
        """An instruction, whatever numbers it has for what it works with."""
        each = self._instructions[at]
        argument: Any = each.arg
        if each.opcode in dis.hasconst:
            value = each.argval
            argument = () if is_marked or isinstance(value, CodeType) else (type(value), repr(value))
        elif each.opcode in _JUMPS:
            argument = bisect_left(kept, self._at(each.argval))
        elif each.opcode in _SAID:
            argument = each.argrepr
        # Behind the last statement is a return that has its line, and at which nobody can look.
        is_seen = self._lines and each.opname not in (_LOADS, *_RETURNS)
        line = self._lines[bisect_right(self._starts, each.offset) - 1][2] if is_seen else None
        return each.opname, argument, line

    def ends_with(self, names: set[str]) -> bool:
        """Whether nothing else is done once the first of these is given its constant."""
        last = {each for at, name in self._places.items() if name in names for each in (at, at + 1)}
        end = next(at for at in range(min(last), len(self._instructions)) if self._instructions[at].opname in _ENDS)
        others = [at for at in range(min(last), end) if at not in last]
        return all(at == end - 1 and self._instructions[at].opname == _LOADS for at in others)
