import warnings

import pytest


@pytest.mark.xdist_group("one")
def test_group():
    warnings.warn("from a worker", stacklevel=1)


@pytest.mark.skip(reason="not now")
def test_skipped():
    pass


@pytest.mark.xfail(strict=True)
def test_unexpected():
    pass


def test_crash_is_told(request):
    assert request.config.option.numprocesses != 99
