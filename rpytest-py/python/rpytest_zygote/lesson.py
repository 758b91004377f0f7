"""What a run teaches the daemon, told when the interpreter ends: after the last of the user's code has run.

Nothing of it is there during the run: no plugin, no hook, no descriptor. pytest's own terminal reporter keeps the
reports; they are looked up through a weak reference, or among all objects, so that nothing lives longer than it would
have. Where they are gone, or anything is not as expected, nothing is told. See docs/design/inventory.md.
"""

from __future__ import annotations

import _socket
import _weakref  # `weakref` imports more
import os
from contextlib import suppress
from json import dumps
from typing import Any

from rpytest_zygote import ending, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

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


class Outcomes:
    """Tells how each test went.

    `config` is the configuration of the run, if that has been made already, and `kind` the class of such.
    """

    def __init__(self, address: Address, config: Any, kind: type) -> None:
        self._address = address
        self._config = None if config is None else _weakref.ref(config)
        self._kind = kind
        self._process = os.getpid()
        ending.at_the_end(self._tell)

    def _tell(self, objects: Callable[[], list[Any]]) -> None:
        if os.getpid() != self._process:
            return
        with suppress(Exception):  # a run does not fail because it taught nothing
            config: Any = self._only(objects) if self._config is None else self._config()
            told = outcomes(config)
            if any(told.values()):
                self._address.tell([{"run": {"rootdir": str(config.rootpath), "reports": told}}], wait=False)

    def _only(self, objects: Callable[[], list[Any]]) -> Any:
        """The configuration, unless the run has made several: it was not there yet when this was made, and a frame of
        ours that waits for it would show in tracebacks."""
        kind = self._kind
        (config,) = [each for each in objects() if type(each) is kind]
        return config


def outcomes(config: Any) -> dict[str, list[tuple[str, str, int, str | None]]]:
    """For each category that the terminal counts: node id, phase, microseconds and message of each report."""
    reporter = config.pluginmanager.getplugin("terminalreporter")
    stats = getattr(reporter, "stats", None)
    if not isinstance(stats, dict):
        return {}
    return {
        category: [
            (report.nodeid, report.when, int(report.duration * 1e6), _message(report) if report.failed else None)
            for report in reports
            # Most set-ups and teardowns are in no category, and take no time worth the telling.
            if getattr(report, "when", None) in _PHASES and (category or report.duration > _NOTEWORTHY)
        ]
        for category, reports in stats.items()
    }


def _message(report: Any) -> str | None:
    crash = getattr(report.longrepr, "reprcrash", None)
    return None if crash is None else str(crash.message)
