"""The plugin of the outer run: it chooses the tests, has `Reroute` change pytester, and writes what became of them.

The outer run is plain pytest. Its command line says which command the inner runs go through.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from rpytest_verify.reroute import Reroute

HERE = str(Path(__file__).parent.parent)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("verify")
    group.addoption("--verify-runner", metavar="JSON", help="the command of inner runs, a list of words")
    group.addoption("--verify-warm", action="store_true", help="have each inner run find a runner that has run there")
    group.addoption("--verify-results", metavar="FILE", help="where to write what became of each test")
    group.addoption("--verify-select", metavar="FILE", help="run only the tests whose ids are the lines of FILE")
    group.addoption("--verify-sample", metavar="N", type=int, default=1, help="run only one test in N")
    group.addoption("--verify-always", metavar="ID", action="append", default=[], help="a test of every sample")
    group.addoption("--verify-shard", metavar="I/N", default="0/1", help="run only part I of N, counted from 0")


def pytest_configure(config: pytest.Config) -> None:
    """Not at import: pytester is rewritten when pytest itself imports it, and must not be imported before."""
    _disappear()
    reroute = Reroute(json.loads(config.option.verify_runner), config.option.verify_warm, HERE)
    reroute.install()
    config.pluginmanager.register(Selection(config))
    config.pluginmanager.register(Results(Path(config.option.verify_results), reroute))


def _disappear() -> None:
    """Inner runs and their tests must not find our directory."""
    sys.path[:] = [entry for entry in sys.path if entry != HERE]
    rest = [entry for entry in os.environ.pop("PYTHONPATH", "").split(os.pathsep) if entry not in ("", HERE)]
    if rest:
        os.environ["PYTHONPATH"] = os.pathsep.join(rest)


class Selection:
    """Which tests this process runs."""

    def __init__(self, config: pytest.Config) -> None:
        select = config.option.verify_select
        self._ids = None if select is None else set(Path(select).read_text(encoding="utf-8").split("\n"))
        self._sample: int = config.option.verify_sample
        self._always: list[str] = config.option.verify_always
        part, parts = config.option.verify_shard.split("/")
        self._part, self._parts = int(part), int(parts)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Without pytester there are no inner runs. Neighbours go to different parts: they take about as long."""
        able = [item for item in items if "pytester" in getattr(item, "fixturenames", ())]
        chosen = [item for item in able if self._chooses(item.nodeid)]
        items[:] = chosen[self._part :: self._parts]

    def _chooses(self, test: str) -> bool:
        if self._ids is not None and test not in self._ids:
            return False
        return test in self._always or crc32(test.encode()) % self._sample == 0


class Results:
    """Writes a line of JSON for each test as it ends."""

    def __init__(self, path: Path, reroute: Reroute) -> None:
        self._path = path
        self._reroute = reroute
        self._outcome = "passed"
        self._why = ""

    def pytest_runtest_logstart(self) -> None:
        self._outcome = "passed"
        self._why = ""
        self._reroute.reached = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test that fails in one phase has failed; one that is skipped, or expected to fail, has shown nothing."""
        if report.failed and self._outcome != "failed":
            self._outcome, self._why = "failed", _text(report)
        elif report.skipped and self._outcome == "passed":
            self._outcome = "skipped"

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        result: dict[str, Any] = {
            "id": nodeid,
            "outcome": self._outcome,
            "reached": self._reroute.reached,
            "why": self._why,
        }
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")


def _text(report: pytest.TestReport) -> str:
    sections = (f"--- {name} ---\n{content}" for name, content in report.sections)
    return "\n".join([report.longreprtext, *sections])
