"""The trial: a forked process goes the way under a witness, tells what it has seen, and is thrown away.

See docs/design/latency.md.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` would make enums of everything
import json
import os
from typing import Any

from rpytest_zygote import numerics
from rpytest_zygote.gist import of_modules
from rpytest_zygote.standins import StandIns, out_of_the_way
from rpytest_zygote.witness import Witness

_LONGEST = 100
"""Seconds."""
_NICE = 10
"""Runs go before trials."""
# A trial replaces them.
_exit, _write = os._exit, os.write


class Trial:
    """In the process that is thrown away."""

    def __init__(self, report: int, package: str) -> None:
        self._report = report
        self._witness = Witness(self.end, package)
        self._witness.begin()

    def end(self, reason: str | None) -> None:
        """It has arrived, or must not go on for this reason."""
        witness = self._witness
        if reason is None:
            witness.end()
        head = {
            "reason": reason,
            "variables": sorted(witness.variables),
            "whole": witness.whole_environment,
            "dice": numerics.Dice().digest if reason is None else None,
            "gist": of_modules() if reason is None else None,
        }
        text = json.dumps(head).encode() + b"\n" + witness.reads.encode()
        while text:
            text = text[_write(self._report, text) :]
        _exit(0)


def hold(pytest: Any, stand_ins: StandIns) -> tuple[Trial | None, dict[str, Any], bytes]:
    """Fork one, and wait for its report; returns in it too. `pytest` is the package `_pytest`."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _signal.alarm(_LONGEST)
        os.nice(_NICE)
        stand_ins.make_private()
        return Trial(out_of_the_way(writing), os.path.dirname(pytest.__file__ or "")), {}, b""
    os.close(writing)
    with open(reading, "rb") as file:
        head, _, reads = file.read().partition(b"\n")
    os.waitpid(pid, 0)
    return None, json.loads(head) if head else {"reason": "the way ends elsewhere"}, reads
