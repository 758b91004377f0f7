"""Workers begin and end their tests in any order, and reports come as they do. Here each test waits until the
controller has the report of the one before it."""

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


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    before = getattr(item, "before", None)
    if before and hasattr(item.config, "workerinput"):
        directory = Path(item.config._tmp_path_factory.getbasetemp()).parent
        reported = directory / before.partition("@")[0].replace("/", "-")
        deadline = time.monotonic() + 120
        while not reported.exists():
            assert time.monotonic() < deadline, f"no report of {before}"
            time.sleep(0.005)
    yield
