"""Code objects: what of one can be seen where it is, and one in the place of another."""

from __future__ import annotations

import dis
from collections import Counter
from types import CodeType
from typing import Any

_OPTIMIZED, _VARARGS, _VARKEYWORDS, _NO_FREE = 0x1, 0x4, 0x8, 0x40
"""Flags (`cpython/code.h`); that there are no free variables follows from others."""
_ATTRIBUTES, LINE = "__static_attributes__", "__firstlineno__"
"""What classes have from Python 3.13 on: the order of the first is drawn, and the second is where they stand."""
_LOADS, _ASKS = "LOAD_CONST", "CONTAINS_OP"


def inner(code: CodeType) -> list[CodeType]:
    """Of functions and classes."""
    return [each for each in code.co_consts if isinstance(each, CodeType)]


def is_of_function(code: CodeType) -> bool:
    """Rather than of a class or a module, which is executed where it stands."""
    return bool(code.co_flags & _OPTIMIZED)


def is_of_class(code: CodeType) -> bool:
    """Rather than of a function or a module."""
    return not is_of_function(code) and code.co_name != "<module>"


def is_same(one: Any, other: Any) -> bool:
    """Up to Python 3.10, equal code may be of other lines."""
    is_equal = one == other and list(one.co_lines()) == list(other.co_lines())
    return is_equal and all(map(is_same, inner(one), inner(other)))


def is_in_place(one: Any, other: Any) -> bool:
    """Whether what both do is in the same lines."""
    return one.co_firstlineno == other.co_firstlineno and list(one.co_lines()) == list(other.co_lines())


def own(code: Any) -> CodeType:
    """Without what functions and classes in it are, and where it stands."""
    constants = [None if isinstance(each, CodeType) else each for each in code.co_consts]
    has_more = LINE in code.co_names or any(isinstance(each, frozenset) for each in constants)
    instructions = list(dis.get_instructions(code)) if has_more else []
    used = Counter(each.arg for each in instructions if each.opcode in dis.hasconst)
    for last, each in zip(instructions, instructions[1:]):
        if last.arg is not None and last.opname == _LOADS and used[last.arg] == 1:  # else it is something else, too
            if each.argval == _ATTRIBUTES:
                constants[last.arg] = tuple(sorted(last.argval))
            elif each.argval == LINE:
                constants[last.arg] = None
            elif isinstance(last.argval, frozenset) and each.opname != _ASKS:
                constants[last.arg] = tuple(last.argval)  # in an order, which may be another one from bytecode
    found: CodeType = code.replace(co_consts=tuple(constants), co_firstlineno=1, co_linetable=b"")
    return found


def interface(code: Any) -> list[Any]:
    """What can be seen of a function that nobody calls, and whose code nobody looks into."""
    stars = sum(bool(code.co_flags & flag) for flag in (_VARARGS, _VARKEYWORDS))
    arguments = code.co_argcount + code.co_kwonlyargcount + stars
    first = code.co_consts[0] if code.co_consts else None  # up to Python 3.13 that is the documentation, or None
    return [
        *(code.co_name, getattr(code, "co_qualname", ""), code.co_freevars, code.co_flags & ~_NO_FREE),
        *(code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_varnames[:arguments]),
        first if isinstance(first, str) else None,
    ]


class Constants:
    """Those of a module: where two functions of it have an equal one, that is one object."""

    def __init__(self, executed: list[CodeType]) -> None:
        self._known: dict[tuple[type, str], Any] = {}
        for code in executed:
            self._add(code.co_consts)

    def _add(self, constants: tuple[Any, ...]) -> None:
        for each in constants:
            if isinstance(each, CodeType):
                self._add(each.co_consts)
            elif not isinstance(each, frozenset):  # equal ones may have another order
                self._known.setdefault((type(each), repr(each)), each)
            if isinstance(each, tuple):
                self._add(each)

    def give_to(self, code: CodeType) -> CodeType:
        """The same code, with these where there are any."""
        return code.replace(co_consts=tuple(map(self._given, code.co_consts)))

    def _given(self, constant: Any) -> Any:
        if isinstance(constant, CodeType):
            return self.give_to(constant)
        key = type(constant), repr(constant)
        if key not in self._known:
            parts = tuple(map(self._given, constant)) if type(constant) is tuple else ()
            is_other = any(part is not old for part, old in zip(parts, constant if parts else ()))
            self._known[key] = parts if is_other else constant
        return self._known[key]
