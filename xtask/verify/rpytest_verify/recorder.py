"""The plugin of an inner run whose hook calls somebody wants to see: it writes them to a file, one on each line.

Only calls are recorded whose content can be told to another process: reports, and the names of items.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any, Union

import pytest

VARIABLE = "RPYTEST_VERIFY_RECORD"
"""The environment variable that names the file."""

Report = Union[pytest.CollectReport, pytest.TestReport]


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Recorder(config, os.environ[VARIABLE]))


class Recorder:
    """First among the plugins, as calls are recorded when they are made."""

    def __init__(self, config: pytest.Config, path: str) -> None:
        self._config = config
        self._path = path

    @pytest.hookimpl(tryfirst=True)
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._write("pytest_collectreport", {"report": self._serializable(report)})

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._write("pytest_runtest_logreport", {"report": self._serializable(report)})

    @pytest.hookimpl(tryfirst=True)
    def pytest_itemcollected(self, item: pytest.Item) -> None:
        self._write("pytest_itemcollected", {"item": _names(item)})

    @pytest.hookimpl(tryfirst=True)
    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self._write("pytest_deselected", {"items": [_names(item) for item in items]})

    def _serializable(self, report: Report) -> Any:
        return self._config.hook.pytest_report_to_serializable(config=self._config, report=report)

    def _write(self, hook: str, values: dict[str, Any]) -> None:
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"hook": hook, "values": values}, default=str) + "\n")


def _names(item: pytest.Item) -> dict[str, str]:
    return {"name": item.name, "nodeid": item.nodeid}
