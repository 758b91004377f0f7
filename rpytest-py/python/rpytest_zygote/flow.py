"""In which order the instructions of code may be executed."""

from __future__ import annotations

import dis
from bisect import bisect_left
from types import CodeType
from typing import Any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

JUMPS = (*dis.hasjrel, *dis.hasjabs)
RETURNS = ("RETURN_VALUE", "RETURN_CONST")
_ENDS = (*RETURNS, "RAISE_VARARGS", "RERAISE")
_AWAY = ("JUMP_FORWARD", "JUMP_ABSOLUTE", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT")
"""Jumps that are always made."""
_SETS_UP = "SETUP_"
"""How instructions begin that say where the handler is of all that comes before it; up to Python 3.10."""


class Flow:
    """Of some instructions, by their number; an exception may come from any that is guarded."""

    def __init__(self, code: CodeType, instructions: list[Any]) -> None:
        offsets = [each.offset for each in instructions]
        self._returns = {at for at, each in enumerate(instructions) if each.opname in RETURNS}
        self._following: list[set[int]] = []
        for at, each in enumerate(instructions):
            following = set() if each.opname in (*_ENDS, *_AWAY) else {at + 1}
            if each.opcode in JUMPS:
                following.add(bisect_left(offsets, each.argval))
            self._following.append(following)
        set_up = [each for each in instructions if each.opcode in JUMPS and each.opname.startswith(_SETS_UP)]
        without_table = [(each.offset, each.argval, each.argval) for each in set_up]
        for start, end, target, *_ in [*guarded(code), *without_table]:
            for at in range(bisect_left(offsets, start), bisect_left(offsets, end)):
                self._following[at].add(bisect_left(offsets, target))

    def is_certain(self, places: range) -> bool:
        """Whether these are executed once, one after the other, unless an exception comes out of the code."""
        first, inside = places[0], set(places[1:])
        for at, following in enumerate(self._following):
            if not inside.isdisjoint(following - {at + 1}):
                return False
        is_passed_by = not self._returns.isdisjoint(_reached(self._following, [0], without=first))
        return not is_passed_by and first not in self.behind(places[-1])

    def behind(self, place: int) -> set[int]:
        """All that may be executed after it."""
        return _reached(self._following, self._following[place])

    def before(self, place: int) -> set[int]:
        """All that may be executed before it."""
        preceding: list[set[int]] = [set() for _ in self._following]
        for at, following in enumerate(self._following):
            for each in following:
                if each < len(preceding):
                    preceding[each].add(at)
        return _reached(preceding, preceding[place])


def _reached(ways: list[set[int]], begin: Iterable[int], without: int | None = None) -> set[int]:
    """All places to which ways lead from there, without coming to one of them."""
    reached: set[int] = set()
    ahead = list(begin)
    while ahead:
        at = ahead.pop()
        if at != without and at not in reached and at < len(ways):
            reached.add(at)
            ahead += ways[at]
    return reached


def guarded(code: Any) -> list[list[Any]]:
    """Where which handlers of exceptions begin, as far as this Python has a table of them."""
    has_table = hasattr(code, "co_exceptiontable")
    return [list(each) for each in dis.Bytecode(code).exception_entries] if has_table else []  # type: ignore[attr-defined]
