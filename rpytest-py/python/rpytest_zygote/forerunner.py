"""The hold that a zygote has of the process that has gone ahead of it.

See docs/design/latency.md.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` would make enums of everything
import _socket
import os
import select
from contextlib import suppress
from typing import Any

from rpytest_zygote import wire
from rpytest_zygote.environment import environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rpytest_zygote.request import Request

ON_ITS_WAY = "the process that goes further is still on its way"
_ANSWERED_AT_ONCE = {b"--version", b"-V"}
"""Arguments that `main` answers before it makes a configuration."""
_PATIENCE = 1000
"""Milliseconds to wait for what is going ahead."""


class Forerunner:
    """The process that has gone ahead, for the one that stayed behind."""

    def __init__(self, pid: int, socket: _socket.socket, request: Request) -> None:
        self.pid = pid
        self.request = request
        """The run in whose place it goes ahead."""
        self.socket = socket
        self.runs: set[int] = set()
        self.why: str | None = None
        """Why it has not taken the run that it was asked to take last."""
        self._frames = wire.Receiver(socket)
        self._variables: list[str] | None = None
        self._retires = False
        self._patience = select.poll()
        self._patience.register(socket, select.POLLIN)

    def takes(self, run: Request) -> bool:
        """Whether it is where this run would be by now, or will be sooner than a fork made now.

        It may raise `wire.Closed`.
        """
        self.why = None
        if run.preload != self.request.preload:
            self.why = "`preload` has changed"
        elif not _ANSWERED_AT_ONCE.isdisjoint(run.arguments):
            self.why = "`--version` matters earlier"
        elif self._retires or run.blocked != self.request.blocked:
            self.why = "the last runs had another `-p no:NAME`"
        if self.why is not None:
            return False
        if self._variables is None and self._patience.poll(_PATIENCE):
            self.news()  # the first that it says
        if self._variables is None:
            self.why = ON_ITS_WAY
            return False
        if run.keeps_environment:
            return True
        given, here = run.environment(), environment()
        changed = [name for name in self._variables if given.get(os.fsencode(name)) != here.get(os.fsencode(name))]
        self.why = f"the variable {changed[0]} has another value" if changed else None
        return not changed

    def hand_over(self, head: dict[str, Any], body: bytes, descriptors: list[int]) -> bool:
        """Pass a run on; False if there is nobody any more."""
        try:
            wire.send_with(self.socket, wire.encode(head, body), descriptors)
        except OSError:
            return False
        self.runs.add(head["run"])
        return True

    def news(self) -> list[dict[str, Any]]:
        """What it says to the daemon; raises `wire.Closed`."""
        told = []
        for head, body in self._frames.pending():
            if head["type"] == "ahead":
                self.hear(head, body)
                continue
            if head["type"] == "ended":
                self.runs.discard(head["run"])
            told.append(head)
        return told

    def hear(self, head: dict[str, Any], body: bytes) -> None:
        """It has arrived."""
        self._variables = head["variables"]

    def look_again(self) -> None:
        """Something has changed where runs are: it matters to those that have gone further."""
        with suppress(OSError):  # the poll will say so
            self.socket.sendall(wire.encode({"type": "look_again"}))

    def say(self, kind: str) -> None:
        """`retire` or `hang_up`; what is still on its way has nothing to finish."""
        self._retires = True
        with suppress(OSError):  # the poll will say so
            self.socket.sendall(wire.encode({"type": kind}))
        if self._variables is None:
            os.kill(self.pid, _signal.SIGKILL)
