"""NumPy in a process that many runs are forked from: its global random numbers, and the threads of its BLAS.

See docs/design/latency.md.
"""

from __future__ import annotations

import functools
import operator
import os
import sys
import zlib
from typing import Any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# A program may replace them, and would see our calls.
_listdir = os.listdir
_TASKS = "/proc/self/task"
_FRESH = 623
"""Where a generator of the kind that NumPy begins with stands when it has been seeded from the system's entropy."""
_THREADED = "numpy"
"""The library whose BLAS ends its threads before a fork, and starts them again when it needs them."""
_LARGE = 256
"""Rows of matrices whose product is shared out among threads."""


def threads() -> int:
    """How many there are beside this one."""
    return len(_listdir(_TASKS)) - 1


def are_known(count: int) -> bool:
    """Whether so many threads are those of NumPy, or none."""
    return count == 0 or _THREADED in sys.modules


def starting_threads() -> Callable[[], None]:
    """What starts them as importing NumPy does, whatever has become of NumPy's functions when it is called.

    They turn round for some time before they sleep. While they do, each page that a fork copies costs several times as
    much, as another processor has to be told of it.
    """
    square = sys.modules[_THREADED].ndarray((_LARGE, _LARGE), buffer=bytes(8 * _LARGE * _LARGE))
    return functools.partial(operator.matmul, square, square)


class Dice:
    """The global generator: what it is like, and whether nobody has used it since it was seeded by itself."""

    def __init__(self) -> None:
        module: Any = sys.modules.get("numpy.random.mtrand")
        state = None if module is None else module._rand.get_state(legacy=False)
        self.is_there = state is not None
        self.is_fresh = state is not None and (
            state["bit_generator"] == "MT19937" and state["state"]["pos"] == _FRESH and state["has_gauss"] == 0
        )
        values = state["state"].values() if state is not None else ()
        held = [value.tolist() if hasattr(value, "tolist") else value for value in values]
        self.digest = zlib.crc32(repr(held).encode())

    def throw(self) -> None:
        """Seed it as it is seeded when NumPy is imported."""
        sys.modules["numpy.random"].set_bit_generator(sys.modules["numpy.random"].MT19937())


def fate(then: int | None, now: Dice) -> str | None:
    """What becomes of it in each run, where another process that went the same way had the digest `then`.

    `same`: the program has seeded it. `anew`: nobody has. None: the program has drawn from what was not seeded.
    """
    if not now.is_there or now.digest == then:
        return "same"
    return "anew" if now.is_fresh and hasattr(sys.modules["numpy.random"], "set_bit_generator") else None
