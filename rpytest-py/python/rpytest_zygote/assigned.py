"""What the code of a module does in passing: it gives a name a constant (`VERSION = 3`), or a plain function. Which are
other ones, or new, in other code.

See docs/design/latency.md.
"""

from __future__ import annotations

import dis
import sys
from bisect import bisect_left, bisect_right
from collections import Counter
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from rpytest_zygote.codes import inner
from rpytest_zygote.flow import JUMPS, RETURNS, Flow, guarded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_LOADS, STORES, _DELETES = "LOAD_CONST", "STORE_NAME", ("DELETE_NAME", "DELETE_GLOBAL")
_MAKES, _SETS = "MAKE_FUNCTION", "SET_FUNCTION_ATTRIBUTE"
_DEFAULTS, _ANNOTATIONS = 1, 4
"""What functions are made with, by the flags of these instructions; the others are no constants."""
_UNSEEN = ("EXTENDED_ARG", "CACHE")
_NAMES_FUNCTIONS = sys.version_info < (3, 11)
"""Whether they are given their name where they are made."""
_ANY_NAMES = ("*",)
"""What is imported where all names of a module are."""
_TOLD = (*dis.hasname, *dis.haslocal, *dis.hasfree, *dis.hascompare)
"""Instructions whose argument is the number of something that can be told."""
_PLAIN = (int, float, complex, str, bytes, bool, type(None))
_NEVER = ("__", "pytest")
"""How names begin that somebody asks for whom nobody sees, or who is known to look at nothing else."""


ABSENT = object()
"""Stands for what a name is given that is not there."""


class Function(NamedTuple):
    """What is made where nothing but constants are needed for it."""

    code: CodeType
    defaults: tuple[Any, ...] | None = None
    annotations: tuple[Any, ...] = ()
    """Name and text in turn."""

    def made(self, names: dict[str, Any]) -> FunctionType:
        """It, in the namespace of its module."""
        function = FunctionType(self.code, names, None, self.defaults)
        if self.annotations:
            function.__annotations__ = dict(zip(self.annotations[::2], self.annotations[1::2]))
        return function


def _is_plain(constant: Any) -> bool:
    """A number that is none (`nan`) is not told from others by its text."""
    return type(constant) in _PLAIN and bool(constant == constant)


def _is_made_of_plain(constant: Any) -> bool:
    return all(map(_is_made_of_plain, constant)) if type(constant) is tuple else _is_plain(constant)


def is_same_constant(one: Any, other: Any) -> bool:
    """Whether nothing but `is` tells these from each other."""
    return type(one) is type(other) and type(one) in _PLAIN and repr(one) == repr(other)


def candidates(code: CodeType) -> set[str]:
    """The names that the code of a module gives constants, and for which it does nothing else itself."""
    return _Outline(code).names


def reassigned(
    old: CodeType,
    new: CodeType,
    is_free: Callable[[str], bool],
    is_unknown: Callable[[str], bool],
    has_lines: bool,
) -> dict[str, tuple[Any, Any]] | None:
    """The names that one code of a module gives something else than the other: what it gave, and what it gives.

    That is another constant where the name `is_free`; or none any more (`ABSENT`); and one, or a `Function`, where
    there was nothing, and the name `is_unknown`. None where the codes differ in more; `has_lines`: what else is done
    must be done in the same lines.
    """
    before, after = _Outline(old), _Outline(new)
    added = {each: made for each, made in after.passing(before).items() if is_unknown(each)}
    gone = {each: made for each, made in before.passing(after).items() if each in before.names and is_free(each)}
    if added or gone:
        before, after = _Outline(old, gone), _Outline(new, added)
    free = {each for each in before.names & after.names if is_free(each)}
    # What is given last is given in any case, what is given earlier may not be.
    if list(before.last) != list(after.last) or not free >= before.last.keys():
        return None
    if before.shape(free, has_lines) != after.shape(free, has_lines):
        return None
    pairs = {each: (before.constant(each), after.constant(each)) for each in free}
    changed = {each: pair for each, pair in pairs.items() if pair[0] is not pair[1] and not is_same_constant(*pair)}
    changed.update((each, (passing.value, ABSENT)) for each, passing in gone.items())
    changed.update(
        (each, (ABSENT, Added(added[each].value, added[each].earlier))) for each in after.mentioned if each in added
    )
    return None if any(... in pair for pair in changed.values()) else changed


class Added(NamedTuple):
    """What a name is given that has not been there, and the names that have been given something by then."""

    value: Any
    earlier: frozenset[str]


class _Passing(NamedTuple):
    """Of what is done in passing: the instructions, what the name is given, and which have been given something."""

    places: range
    value: Any
    earlier: frozenset[str] = frozenset()


class _Outline:
    """What the code of a module does, and the names to which it gives a constant; but for what is left out."""

    def __init__(self, code: CodeType, left_out: dict[str, _Passing] | None = None) -> None:
        self._code = code
        passing = list((left_out or {}).values())
        functions = [each.value.code for each in passing if isinstance(each.value, Function)]
        self._inner = [each for each in inner(code) if not any(each is function for function in functions)]
        instructions = [each for each in dis.get_instructions(code) if each.opname not in _UNSEEN]
        skipped = {at for each in passing for at in each.places}
        self._instructions = [each for at, each in enumerate(instructions) if at not in skipped]
        self._offsets = [each.offset for each in self._instructions]
        self._places: dict[int, str] = {}
        """By where a constant is loaded, the name that it gets."""
        jumps = {each.argval for each in self._instructions if each.opcode in JUMPS}
        self._jumps = sorted(jumps.union(target for _, _, target, *_ in guarded(code)))
        for at, (one, other) in enumerate(zip(self._instructions, self._instructions[1:])):
            is_pair = one.opname == _LOADS and other.opname == STORES and _is_plain(one.argval)
            # One arm of an expression (`x or 3`), where something else leads to the store.
            is_arm = self._is_reached(one.offset, other.offset)
            if is_pair and not is_arm and not str(other.argval).startswith(_NEVER):
                self._places[at] = str(other.argval)
        self.mentioned = mentioned = Counter(each.argval for each in instructions if each.opcode in dis.hasname)
        """How often, with what is left out."""
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
        returns = [at for at, each in enumerate(self._instructions) if each.opname in RETURNS]
        if len(returns) != 1:
            return range(0)
        end = returns[0] - (self._instructions[returns[0]].opname != RETURNS[1])  # there it loads what it returns
        begin = end
        while begin - 2 in self._places:
            begin -= 2
        first, last = (self._offsets[at] for at in (begin, returns[0]))
        is_passed = self._is_reached(first, last)
        is_guarded = any(start <= last and first < end for start, end, *_ in guarded(self._code))
        return range(0) if is_passed or is_guarded else range(begin, end, 2)

    def _is_reached(self, first: int, last: int) -> bool:
        """Whether something leads to a place behind the first offset, up to the last."""
        return bisect_right(self._jumps, first) != bisect_right(self._jumps, last)

    def passing(self, other: _Outline) -> dict[str, _Passing]:
        """Names of which the other knows nothing, and that this mentions once: where it gives them a constant or a
        plain function, in any case."""
        found = {}
        flow = None
        for at, each in enumerate(self._instructions):
            name = str(each.argval)
            is_one = each.opname == STORES and self.mentioned[name] == 1 and name not in other.mentioned
            made = self._made_before(at) if is_one and not name.startswith(_NEVER) else None
            if made is not None:
                flow = flow or Flow(self._code, self._instructions)
                earlier = self._earlier(at, flow) if flow.is_certain(made.places) else None
                if earlier is not None:
                    found[name] = made._replace(earlier=earlier)
        return found

    def _earlier(self, at: int, flow: Flow) -> frozenset[str] | None:
        """The names that have been given something when this instruction stores one; None where that is not known."""
        before, behind = flow.before(at), flow.behind(at)
        stores = [(place, str(each.argval)) for place, each in enumerate(self._instructions) if each.opname == STORES]
        first = [(place, name) for place, name in stores if place in before]
        earlier = frozenset(name for _, name in first)
        again = earlier & {name for place, name in stores if place in behind}
        certain = {name for place, name in first if name in again and flow.is_certain(range(place, place + 1))}
        return earlier if again == certain and _ANY_NAMES not in self._code.co_consts else None

    def _made_before(self, at: int) -> _Passing | None:
        """What this instruction stores, where that is a constant or made of constants only."""
        maker, flags = at - 1, 0
        while maker > 0 and self._instructions[maker].opname == _SETS:  # from Python 3.13 on
            flags |= self._instructions[maker].arg or 0
            maker -= 1
        if maker == at - 1 and self._instructions[maker].opname == _LOADS:
            value = self._instructions[maker].argval
            return _Passing(range(maker, at + 1), value) if _is_plain(value) else None
        if self._instructions[maker].opname != _MAKES:
            return None
        flags |= self._instructions[maker].arg or 0
        given = [flag for flag in (_DEFAULTS, _ANNOTATIONS) if flags & flag]
        begin = maker - len(given) - (2 if _NAMES_FUNCTIONS else 1)
        loads = self._instructions[max(begin, 0) : maker]
        if begin < 0 or flags != sum(given) or any(each.opname != _LOADS for each in loads):
            return None
        constants = dict(zip(given, (each.argval for each in loads)))
        code = loads[len(given)].argval
        if not isinstance(code, CodeType) or not all(map(_is_made_of_plain, constants.values())):
            return None
        function = Function(code, constants.get(_DEFAULTS), constants.get(_ANNOTATIONS, ()))
        return _Passing(range(begin, at + 1), function)

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
            *(code.co_name, code.co_flags, code.co_varnames, code.co_cellvars, code.co_freevars, len(self._inner)),
            *(self._told(at, offsets, self._places.get(at) in free) for at in kept),
            *(_line(lines, starts, self._instructions[at]) for at in kept),
            *([bisect_left(offsets, each) for each in entry[:3]] + entry[3:] for entry in guarded(code)),
        ]

    def _told(self, at: int, offsets: list[int], is_free: bool) -> tuple[Any, ...]:
        """An instruction, whatever numbers it has for what it works with."""
        each = self._instructions[at]
        argument: Any = each.arg
        if each.opcode in dis.hasconst:
            value = each.argval
            argument = () if is_free else (type(value), repr(value), value)
            if isinstance(value, CodeType):
                argument = [code is value for code in self._inner].index(True)
        elif each.opcode in JUMPS:
            argument = bisect_left(offsets, each.argval)
        elif each.opcode in _TOLD:
            argument = each.argrepr
        return each.opname, argument


def _line(lines: list[tuple[int, int, int | None]], starts: list[int], each: Any) -> int | None:
    """Behind the last statement is a return that has its line, and at which nobody can look."""
    if not lines or each.opname in (_LOADS, *RETURNS):
        return None
    return lines[bisect_right(starts, each.offset) - 1][2]
