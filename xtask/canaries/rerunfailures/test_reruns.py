import collections

import pytest

CALLS = collections.Counter()


@pytest.fixture(params=["a", "b"])
def resource(request):
    CALLS["resource"] += 1
    print("made", CALLS["resource"])
    yield request.param
    print("given back")


@pytest.mark.flaky(reruns=3, reruns_delay=0.01)
def test_third_time(resource):
    CALLS[resource] += 1
    assert CALLS[resource] == 3


@pytest.mark.flaky(reruns=1, condition="sys.platform == 'nowhere'")
def test_condition():
    CALLS["condition"] += 1
    assert CALLS["condition"] == 2


def test_os_error():
    CALLS["os"] += 1
    if CALLS["os"] < 2:
        raise OSError("first time")


def test_never():
    raise ValueError("always")


def test_always():
    pass


class TestClass:
    @pytest.fixture(scope="class")
    def shared(self):
        CALLS["shared"] += 1
        return CALLS["shared"]

    def test_shared(self, shared):
        assert shared == 2
