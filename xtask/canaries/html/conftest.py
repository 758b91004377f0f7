import re
from pathlib import Path

import pytest
from pytest_html import extras

# When, how long, and where: what two runs do not have in common.
TIMES = re.compile(r"\d\d-\w{3}-\d{4} at \d\d:\d\d:\d\d|\d\d:\d\d:\d\d|\d+ ms|took [\d:.]+ seconds?|\d+\.\d+s")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.when == "call":
        report.extras = [extras.text(item.name, name="name"), extras.url("https://example.org/")]


def pytest_html_report_title(report):
    report.title = "Canary"


def pytest_html_results_table_header(cells):
    cells.insert(2, "<th>Description</th>")


def pytest_html_results_table_row(report, cells):
    cells.insert(2, f"<td>{report.nodeid.upper()}</td>")


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    for path in (Path("report.html"), Path("report/index.html")):
        if path.exists():
            path.write_text(TIMES.sub("TIME", path.read_text(encoding="utf-8")), encoding="utf-8")
