import pytest
from hypothesis import assume, event, example, given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule


@given(st.lists(st.integers()))
def test_sorted_twice(numbers):
    event(f"even: {len(numbers) % 2 == 0}")
    once = sorted(numbers)
    assert sorted(once) == once


@given(st.text(), st.text())
@example("", "x")
def test_concatenation(one, other):
    assume(one != other)
    assert (one + other).startswith(one)


@given(st.integers(min_value=0))
def test_finds_the_smallest(number):
    assert number < 1000


@pytest.mark.parametrize("base", [2, 10])
@given(st.data())
def test_data(base, data):
    number = data.draw(st.integers(0, base))
    assert number <= base


class Counter(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.count = 0

    @rule(by=st.integers(1, 3))
    def add(self, by):
        self.count += by

    @invariant()
    def never_negative(self):
        assert self.count >= 0


TestCounter = Counter.TestCase


@given(st.integers())
def test_fixture_of_a_function(tmp_path, number):
    assert number == number
