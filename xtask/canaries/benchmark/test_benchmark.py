import pytest


@pytest.mark.parametrize("size", [10, 100])
def test_pedantic(benchmark, size):
    assert benchmark.pedantic(sorted, args=(range(size, 0, -1),), rounds=5, iterations=3) == list(range(1, size + 1))


def test_set_up(benchmark):
    made = []

    def set_up():
        made.append(1)
        return (made,), {}

    benchmark.pedantic(len, setup=set_up, rounds=3)
    benchmark.extra_info["made"] = len(made)


def test_without_benchmark():
    assert True


def test_failure(benchmark):
    assert benchmark.pedantic(len, args=("abc",), rounds=2) == 4
