import pytest


@pytest.mark.parametrize("number", range(8))
def test_many(number):
    assert number != 5


@pytest.mark.skip
def test_skipped():
    pass
