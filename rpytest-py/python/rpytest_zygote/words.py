"""What somebody's own code says that it does, where it does it without a call that could be seen.

See docs/design/latency.md.
"""

from __future__ import annotations

import os
import re
import sys
import zlib
from typing import Any

from rpytest_zygote import world

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

_LOAD_ATTRIBUTES = ("LOAD_ATTR", "LOAD_SUPER_ATTR")
"""Instructions that may load a method."""
_WORD = re.compile(r"\w+")
_LONGEST = 200
"""Longer texts are read by people, as those of which not all parts are names are. What is made of one by the compiler
is code with names."""
_BITS = 1 << 20
_STAR = "*"
_IMPORTS, _LONG = "IMPORT_NAME", "EXTENDED_ARG"
_PACKAGE = os.sep + "__init__"


class Words:
    """Which words code has: what it looks for by a name that stands anywhere is among them. Case does not count, and
    some that no code has are taken for such."""

    def __init__(self, encoded: str = "") -> None:
        self._bits = bytearray(zlib.decompress(bytes.fromhex(encoded)) if encoded else _BITS // 8)

    def encode(self) -> str:
        """For another process."""
        return zlib.compress(self._bits, 1).hex()

    def __contains__(self, word: str) -> bool:
        return all(self._bits[at >> 3] & 1 << (at & 7) for at in _places(word))

    def add(self, code: CodeType, names: set[str], texts: set[str]) -> None:
        """All of those that code has."""
        found = set(map(_STAR.__add__, _copied(code))) if _STAR in texts else set()
        for text in names | texts:
            parts = text.split() if len(text) < _LONGEST else []
            if len(parts) == 1:
                found.update(_WORD.findall(text))
            elif all(map(str.isidentifier, parts)):
                found.update(parts)
        for word in found:
            for at in _places(word):
                self._bits[at >> 3] |= 1 << (at & 7)

    def may_copy(self, file: str) -> bool:
        """Whether some code copies all names of a module that may be the one in this file (`from module import *`)."""
        path = file.rpartition(".")[0]
        path = path[: -len(_PACKAGE)] if path.endswith(_PACKAGE) else path
        parts = path.split(os.sep)
        return any(_STAR + each in self for each in (path, *(".".join(parts[at:]) for at in range(len(parts)))))


def _copied(code: CodeType) -> Iterator[str]:
    """The modules from which it imports all names: by name, or path without ending."""
    instructions = [each for each in sys.modules["dis"].get_instructions(code) if each.opname != _LONG]
    for level, what, each in zip(instructions, instructions[1:], instructions[2:]):
        if each.opname == _IMPORTS and what.argval == (_STAR,):
            directory = code.co_filename
            for _ in range(level.argval):
                directory = os.path.dirname(directory)
            is_relative = level.argval and os.path.isabs(directory)
            yield os.path.join(directory, *filter(None, each.argval.split("."))) if is_relative else each.argval


def _places(word: str) -> tuple[int, int]:
    number = zlib.crc32(word.lower().encode(errors="surrogatepass"))
    return number % _BITS, (number >> 12) % _BITS


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
