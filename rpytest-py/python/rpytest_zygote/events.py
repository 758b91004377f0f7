"""The events of a run, for `rpytest --events`: a pytest plugin that is there only when somebody has asked.

One JSON object a line, as `TestEvent` of the crate rpytest-core defines them. The command adds the last one itself.
See docs/design/handshake.md.
"""

from __future__ import annotations

import os
from json import dumps
from typing import Any

_OUTCOMES = ("passed", "failed", "skipped", "xfailed", "xpassed", "error")


def register(config: Any, descriptor: int, head: dict[str, Any]) -> None:
    """Have the plugin in a configuration that pytest has just made."""
    config.pluginmanager.register(Events(config, descriptor, head), "rpytest-events")


class Events:
    """Writes an event for each hook that pytest calls, as long as somebody reads them."""

    def __init__(self, config: Any, descriptor: int, head: dict[str, Any]) -> None:
        self._config = config
        self._descriptor = descriptor
        self._head = head
        self._process = os.getpid()
        self._begun = False
        self._deselected = 0

    def pytest_sessionstart(self) -> None:
        """pytest: the configuration is complete."""
        self._begin()

    def pytest_deselected(self, items: Any) -> None:
        """pytest: tests that will not run."""
        self._deselected += len(items)

    def pytest_collectreport(self, report: Any) -> None:
        """pytest: something was collected, or could not be."""
        if report.failed:
            self._write("collect-error", nodeid=report.nodeid, longrepr=report.longreprtext)

    def pytest_collection_finish(self, session: Any) -> None:
        """pytest: it is known what will run."""
        items = [text(item.nodeid) for item in session.items]
        self._write("collection-finished", items=items, deselected=self._deselected)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """pytest: a test begins."""
        self._write("test-started", nodeid=nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """pytest: a phase of a test has ended."""
        self._write(
            "test-report",
            nodeid=report.nodeid,
            when=report.when,
            outcome=self._outcome(report),
            duration=report.duration,
            message=_message(report),
            longrepr=_explanation(report),
            sections=[(text(title), text(content)) for title, content in report.sections],
        )

    def pytest_warning_recorded(self, warning_message: Any, nodeid: str) -> None:
        """pytest: a warning that its summary will list."""
        self._write(
            "warning",
            message=str(warning_message.message),
            category=warning_message.category.__name__,
            location={"path": text(warning_message.filename), "line": warning_message.lineno},
            nodeid=nodeid or None,
        )

    def _outcome(self, report: Any) -> str:
        status = self._config.hook.pytest_report_teststatus(report=report, config=self._config)
        category = status[0] if status else ""
        if category in _OUTCOMES:
            return str(category)
        if report.outcome == "failed":  # without a terminal plugin nobody says more
            return "failed" if report.when == "call" else "error"
        return str(report.outcome) if report.outcome in _OUTCOMES else "skipped"  # a rerun does not count either

    def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        path, reason = self._head["path"], self._head["reason"]
        python, pytest = self._head["versions"]
        rootdir = str(self._config.rootpath)
        self._write("run-started", format=1, path=path, reason=reason, python=python, pytest=pytest, rootdir=rootdir)

    def _write(self, event: str, **fields: Any) -> None:
        if os.getpid() != self._process:
            return  # a fork that a test has made
        self._begin()
        told = {name: text(value) if isinstance(value, str) else value for name, value in fields.items()}
        line = dumps({"event": event, **{name: value for name, value in told.items() if value is not None}})
        data = memoryview(line.encode() + b"\n")
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError:
            self._process = -1  # nobody reads any more: the run goes on without


def text(text: str) -> str:
    """Without lone surrogates, which hardly any JSON reader takes."""
    return text.encode("utf-8", "backslashreplace").decode()


def _message(report: Any) -> str | None:
    """The one thing to say about a report."""
    if hasattr(report, "wasxfail"):
        return str(report.wasxfail).removeprefix("reason: ") if report.wasxfail else None
    if report.skipped and isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    return None if crash is None else str(crash.message)


def _explanation(report: Any) -> str | None:
    if isinstance(report.longrepr, tuple):
        path, line, reason = report.longrepr
        return f"{path}:{line}: {reason}"
    return report.longreprtext or None
