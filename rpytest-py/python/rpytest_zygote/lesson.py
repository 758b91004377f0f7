"""What a run teaches the daemon. See docs/design/inventory.md."""

from __future__ import annotations

import _socket
import os
from json import dumps
from typing import Any

from rpytest_zygote import wire
from rpytest_zygote.afterwards import reports

_LONGEST_ADDRESS = 107
_PATIENCE = 2.0
"""Seconds that the daemon may take to listen."""
_NOTEWORTHY = 0.001
"""Seconds."""
_PHASES = ("setup", "call", "teardown")


class Address:
    """Where a lesson goes: the inventory's directory, and the daemon that keeps it."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.directory: str = told["directory"]
        self._front_door: str = told["front_door"]
        self._hello: dict[str, Any] = told["hello"]

    def tell(self, lines: list[dict[str, Any]], wait: bool) -> None:
        """Send the lines; with `wait`, until they are kept."""
        if len(os.fsencode(self._front_door)) > _LONGEST_ADDRESS:
            return
        connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        try:
            connection.settimeout(_PATIENCE)
            connection.connect(self._front_door)
            request = {"type": "learn", "directory": self.directory}
            connection.sendall(wire.encode({"type": "hello", **self._hello}) + wire.encode(request))
            connection.sendall("".join(dumps(line) + "\n" for line in lines).encode())
            connection.shutdown(_socket.SHUT_WR)
            if wait:
                connection.settimeout(None)
                wire.Receiver(connection).receive()
        finally:
            connection.close()


def tell_outcomes(address: Address, config: Any) -> None:
    """How each test went."""
    told = outcomes(config)
    if any(told.values()):
        address.tell([{"run": {"rootdir": str(config.rootpath), "reports": told}}], wait=False)


def outcomes(config: Any) -> dict[str, list[tuple[str, str, int, str | None]]]:
    """For each category that the terminal counts: node id, phase, microseconds and message of each report."""
    return {
        category: [
            (report.nodeid, report.when, int(report.duration * 1e6), _message(report) if report.failed else None)
            for report in several
            # Most set-ups and teardowns are in no category, and take no time worth the telling.
            if getattr(report, "when", None) in _PHASES and (category or report.duration > _NOTEWORTHY)
        ]
        for category, several in reports(config).items()
    }


def _message(report: Any) -> str | None:
    crash = getattr(report.longrepr, "reprcrash", None)
    return None if crash is None else str(crash.message)
