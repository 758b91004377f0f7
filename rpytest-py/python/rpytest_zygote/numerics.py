"""NumPy in a process that many runs are forked from: its global random numbers, and the threads of its BLAS.

See docs/design/latency.md.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # as in `going`
import functools
import gc
import os
import sys
import zlib
from types import CodeType, FunctionType
from typing import Any

from rpytest_zygote import world

# A program may replace them, and would see our calls; `thaw` does.
_listdir, _set_mask, _get_objects = os.listdir, _signal.pthread_sigmask, gc.get_objects
_TASKS = "/proc/self/task"
_FRESH = 623
"""Where a generator of the kind that NumPy begins with stands when it has been seeded from the system's entropy."""
_THREADED = "numpy"
"""The library whose BLAS ends its threads before a fork, and starts them again when it needs them."""
_UNHEARD = frozenset(
    ("nice", "pthread_sigmask", "sched_setaffinity", "sched_setscheduler", "setns", "setpriority", "unshare")
)
"""Functions that raise no audit event, and do something else where there are threads: a signal that the main thread has
blocked is another one's, and threads that begin later inherit what was changed."""
_LARGE = 256
"""Rows of matrices whose product is shared out among threads."""


def threads() -> int:
    """How many there are beside this one."""
    return len(_listdir(_TASKS)) - 1


def are_known(count: int) -> bool:
    """Whether so many threads are those of NumPy, or none."""
    return count == 0 or _THREADED in sys.modules


class Threads:
    """Those of the library, which are to be started as importing it does: in a session, as soon as it matters.

    They turn round for some time before they sleep. While they do, each page that a fork copies costs several times as
    much, as another processor has to be told of it.
    """

    def __init__(self) -> None:
        kind = sys.modules[_THREADED].ndarray
        square = kind((_LARGE, _LARGE), buffer=bytes(8 * _LARGE * _LARGE))
        self._multiply = functools.partial(square.dot, square, kind((_LARGE, _LARGE)))  # and nothing is allocated then
        self._mask: Any = ()

    def begin_session(self) -> None:
        """Only the mask that signals have now is for them."""
        self._mask = _set_mask(_signal.SIG_BLOCK, ())

    def start(self) -> None:
        """Whatever the program has done since."""
        before = _set_mask(_signal.SIG_SETMASK, self._mask)
        self._multiply()
        _set_mask(_signal.SIG_SETMASK, before)


def may_be_missed() -> bool:
    """Whether code that was made since the last freeze may see, with no audit event, that threads are not there."""
    functions = (each for each in _get_objects() if type(each) is FunctionType)
    return any(not world.is_standard(each.__code__.co_filename) and names_unheard(each.__code__) for each in functions)


def names_unheard(code: CodeType) -> bool:
    """Whether it names a function that matters to threads, with no audit event."""
    inner = (each for each in code.co_consts if type(each) is CodeType)
    return not _UNHEARD.isdisjoint(code.co_names) or any(map(names_unheard, inner))


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
