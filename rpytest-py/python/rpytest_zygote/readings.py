"""What code reads of `sys`, by its instructions: a run has other streams and arguments there than the zygote.

Where that cannot be told, it may be anything. See docs/design/shelf.md.
"""

from __future__ import annotations

import dis

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

ANYTHING = "*"
_NAMES = ("sys", "_sys")
_FILLERS = ("CACHE", "EXTENDED_ARG", "NOP", "PUSH_NULL", "RESUME", "PRECALL", "COPY_FREE_VARS")
_WRITES = ("STORE_ATTR", "DELETE_ATTR")
_ASKS = ("getattr", "hasattr")


def of_sys(code: CodeType, texts: set[str]) -> Iterator[str]:
    """The attributes of `sys` that a code object can have read; `texts` are its constants."""
    if not texts.isdisjoint(_NAMES):
        yield ANYTHING
    if {*code.co_names, *code.co_varnames, *code.co_cellvars, *code.co_freevars}.isdisjoint(_NAMES):
        return
    steps = [(each.opname, each.argval) for each in dis.get_instructions(code) if each.opname not in _FILLERS]
    steps += [("", None)] * 2
    for position, (operation, argument) in enumerate(steps[:-2]):
        if isinstance(argument, tuple) and operation.startswith("LOAD_FAST") and not set(argument).isdisjoint(_NAMES):
            yield ANYTHING
        if argument not in _NAMES or operation.startswith(("STORE_", "DELETE_", "LOAD_CONST")):
            continue
        if operation == "IMPORT_NAME":
            yield from _imported(steps, position + 1)
        else:
            yield _used(steps, position)


def _imported(steps: list[tuple[str, object]], following: int) -> Iterator[str]:
    operation, argument = steps[following]
    if operation.startswith("STORE_") and argument in _NAMES:
        return
    if operation != "IMPORT_FROM":
        yield ANYTHING
    while steps[following][0] == "IMPORT_FROM":
        yield str(steps[following][1])
        following += 2  # it is stored


def _used(steps: list[tuple[str, object]], position: int) -> str:
    """What is read where `sys` has been loaded."""
    operation, argument = steps[position + 1]
    if operation.startswith(("LOAD_ATTR", "LOAD_METHOD")):
        return str(argument)
    if operation in _WRITES:
        return ""
    if operation == "LOAD_CONST" and isinstance(argument, str) and steps[position - 1][1] in _ASKS:
        return argument
    return ANYTHING
