"""What somebody's own code says that it does, where it does it without a call that could be seen.

See docs/design/latency.md.
"""

from __future__ import annotations

import sys
from typing import Any

from rpytest_zygote import world

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

_LOAD_ATTRIBUTES = ("LOAD_ATTR", "LOAD_SUPER_ATTR")
"""Instructions that may load a method."""


def names_of(code: CodeType) -> set[str]:
    """What it looks for in namespaces and as attributes."""
    return set(code.co_names)


def texts_of(code: CodeType) -> set[str]:
    """Its constants, and what is in them."""
    return set(_texts(code.co_consts))


def reads_unseen(code: CodeType, names: set[str], texts: set[str]) -> str | None:
    """What it reads that differs from run to run, by these names and texts of its."""
    words = names | (texts if names & world.BY_TEXT else set())
    for unseen in world.UNSEEN:
        if words >= unseen:
            return f"reads {min(unseen)} in {code.co_filename}"
    asked = _called_methods(code) & world.CLOCKS
    if "-packages" not in code.co_filename:
        asked |= world.MOMENTS & texts
    return f"{code.co_filename}:{code.co_firstlineno} asks for the time, by {min(asked)}" if asked else None


def _called_methods(code: CodeType) -> set[str]:
    """By their names: native code may call nobody else for what they tell."""
    if world.CLOCKS.isdisjoint(code.co_names):
        return set()
    found = sys.modules["dis"].get_instructions(code)
    return {
        each.argval
        for each in found
        if each.opname == "LOAD_METHOD" or (each.opname in _LOAD_ATTRIBUTES and _is_method(each))
    }


def _is_method(instruction: Any) -> bool:
    """Whether an attribute is loaded to be called at once."""
    return sys.version_info >= (3, 12) and bool(instruction.arg & 1)


def _texts(constant: object) -> Iterator[str]:
    """Those in a constant, which may have others in it."""
    if isinstance(constant, str):
        yield constant
    elif isinstance(constant, (tuple, frozenset)):
        for each in constant:
            yield from _texts(each)
