import logging

import pytest


def test_passes(extra=None):
    print("said")
    logging.getLogger(__name__).warning("logged")


def test_fails():
    assert {"a": 1} == {"a": 2}


@pytest.mark.skip(reason="not now")
def test_skipped():
    raise AssertionError


@pytest.mark.xfail
def test_expected_failure():
    raise AssertionError


@pytest.fixture
def broken():
    raise RuntimeError("broken")


def test_error(broken):
    pass
