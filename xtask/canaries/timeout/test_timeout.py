import threading
import time

import pytest


def test_passes():
    assert True


def slowly(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(10)


@pytest.fixture
def slow():
    yield
    print("given back")


@pytest.mark.timeout(0.3, method="signal")
def test_mark(slow):
    threading.Event().wait(30)


@pytest.mark.timeout(0)
@pytest.mark.parametrize("number", range(2))
def test_no_limit(number):
    time.sleep(0.45)


def test_hangs(slow):
    print("about to hang")
    slowly(30)


def test_after():
    pass
