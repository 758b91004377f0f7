import pytest


@pytest.mark.xfail
def test_expected():
    raise AssertionError


@pytest.fixture
def broken():
    raise RuntimeError


def test_error(broken):
    pass


def test_passes():
    pass
