"""The trial: a forked process goes the way under a witness, tells what it has seen, and is thrown away.

See docs/design/latency.md.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` would make enums of everything
import os
from json import dumps, loads
from typing import Any

from rpytest_zygote import numerics
from rpytest_zygote.environment import beside
from rpytest_zygote.gist import of_modules
from rpytest_zygote.standins import StandIns, out_of_the_way
from rpytest_zygote.witness import Witness

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rpytest_zygote.touches import Touched

_LONGEST = 500
"""Seconds."""
_NICE = 10
"""Runs go before trials."""
# A trial replaces them.
_exit, _write = os._exit, os.write


class Trial:
    """In the process that is thrown away."""

    def __init__(self, report: int, package: str, touched: Touched, loaded: dict[str, str]) -> None:
        self._report = report
        self._witness = Witness(self.end, package, touched)
        for path, source in loaded.items():
            self._witness.reads.note_loaded(path, source)
        self._witness.begin()
        self.unseen = self._witness.unseen
        self.note = self._witness.note

    def end(self, reason: str | None, written: dict[int, bytes] | None = None) -> None:
        """It has arrived, or must not go on for this reason; `written` is what it has written."""
        try:
            self._tell(reason, written or {})
        finally:
            _exit(0)

    def _tell(self, reason: str | None, written: dict[int, bytes]) -> None:
        witness = self._witness
        head: dict[str, Any] = {"reason": reason}
        if reason is None:
            witness.collect()
            witness.touches.namespaces.end()
            witness.end()
            head["gist"] = of_modules()
            head["touched"] = witness.touches.touched.encode()
            head["variables"] = sorted(witness.variables)
            head["whole"] = witness.whole_environment
            head["written"] = {number: text.decode("latin-1") for number, text in written.items()}
            head["dice"] = numerics.Dice().digest
            head["beside"] = [list(map(os.fsdecode, item)) for item in beside().items()]
        text = dumps(head).encode() + b"\n" + (witness.reads.encode() if reason is None else b"")
        while text:
            text = text[_write(self._report, text) :]


def hold(
    pytest: Any, stand_ins: StandIns, touched: Touched, loaded: dict[str, str]
) -> tuple[Trial | None, dict[str, Any], bytes]:
    """Fork one, and wait for its report; returns in it too. `pytest` is the package `_pytest`.

    `loaded` are the files at which loaders have looked before, with the source files that these were for, and `touched`
    is what has happened to that code.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _signal.alarm(_LONGEST)
        os.nice(_NICE)
        stand_ins.make_private()
        return Trial(out_of_the_way(writing), os.path.dirname(pytest.__file__ or ""), touched, loaded), {}, b""
    os.close(writing)
    with open(reading, "rb") as file:
        head, _, reads = file.read().partition(b"\n")
    os.waitpid(pid, 0)
    return None, loads(head) if head else {"reason": "the way ends elsewhere"}, reads
