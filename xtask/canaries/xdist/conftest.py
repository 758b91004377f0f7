"""Workers end their tests in any order, and reports come as they end. Here each test waits until the controller has the
report of the one before it."""

import time
from pathlib import Path

import pytest


def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Reports(config))


class Reports:
    def __init__(self, config):
        self.config = config

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report):
        if report.when == "teardown":
            name = report.nodeid.partition("@")[0].replace("/", "-")
            (self.config._tmp_path_factory.getbasetemp() / name).touch()


def pytest_collection_modifyitems(items):
    for before, item in zip(items, items[1:]):
        item.before = before.nodeid


@pytest.fixture(autouse=True)
def in_order(request, tmp_path_factory):
    before = getattr(request.node, "before", None)
    if before and hasattr(request.config, "workerinput"):
        reported = Path(tmp_path_factory.getbasetemp()).parent / before.partition("@")[0].replace("/", "-")
        deadline = time.monotonic() + 120
        while not reported.exists():
            assert time.monotonic() < deadline, f"no report of {before}"
            time.sleep(0.005)
