"""What a session tells of itself for `rpytest --explain`, in a file that its command reads: `Told` of the crate
rpytest-ipc.
"""

from __future__ import annotations

import os
from contextlib import suppress
from json import dumps
from typing import Any

from rpytest_zygote.afterwards import reports

# A program may replace them, and would see our calls.
_open, _write, _close = os.open, os.write, os.close


class Told:
    """Adds to the file at `path`."""

    def __init__(self, path: str) -> None:
        self._path = path

    def collects(self, reason: str) -> None:
        """Everything, for this reason."""
        self._add("collects", reason)

    def tests(self, config: Any) -> None:
        """When the first one began and the last one ended, as their reports say."""
        known = [each for several in reports(config).values() for each in several if getattr(each, "start", 0)]
        if known:
            began, ended = min(each.start for each in known), max(each.stop for each in known)
            self._add("tests", {"began": began, "ended": ended})

    def _add(self, what: str, told: Any) -> None:
        with suppress(OSError):  # a run does not fail because the disk is full, or its command is gone
            descriptor = _open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            try:
                _write(descriptor, dumps({what: told}).encode() + b"\n")
            finally:
                _close(descriptor)
