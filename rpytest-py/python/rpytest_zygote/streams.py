"""The standard streams of an interpreter, made again for the descriptors that it has now.

Copied behaviour: `create_stdio` and `init_sys_streams` of CPython's `Python/pylifecycle.c`. See docs/design/session.md.
"""

from __future__ import annotations

import os
import sys
from typing import Any

_fstat = os.fstat  # a trial replaces it
_STREAMS = (("stdin", 0), ("stdout", 1), ("stderr", 2))


class Streams:
    """The streams that the interpreter made at its own start: the same objects are made anew, as others refer to them.

    Encoding and error handler stay: they follow from the environment variables that are part of the context.
    """

    def __init__(self) -> None:
        self._wrappers: dict[str, Any] = {name: getattr(sys, name) for name, _ in _STREAMS}

    def make_again(self) -> None:
        """Make each stream as a fresh interpreter would: None where the descriptor is closed."""
        for name, descriptor in _STREAMS:
            stream = self._wrappers[name] if _is_open(descriptor) else None
            if stream is not None:
                _remake(stream, descriptor)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)


def _is_open(descriptor: int) -> bool:
    """As `is_valid_fd` does."""
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _remake(wrapper: Any, descriptor: int) -> None:
    name, writes = wrapper.name, descriptor != 0
    unbuffered = wrapper.write_through
    direct = unbuffered and writes
    buffer: Any = open(descriptor, "wb" if writes else "rb", buffering=0 if direct else -1, closefd=False)  # noqa: SIM115
    raw = buffer if direct else buffer.raw
    raw.name = name
    line_buffering = not unbuffered and (descriptor == 2 or raw.isatty())
    encoding, errors = wrapper.encoding, wrapper.errors
    wrapper.__init__(buffer, encoding, errors, newline="\n", line_buffering=line_buffering, write_through=unbuffered)


def written() -> list[int]:
    """How much there is in the files that stand for standard output and error."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return [_fstat(descriptor).st_size for descriptor in (1, 2)]
