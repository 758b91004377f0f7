import random

import pytest


@pytest.fixture(scope="module")
def drawn():
    return random.randint(0, 1000)


def test_fails_with_numbers(drawn):
    assert (drawn, random.choice("abc")) == (0, "")


def test_a():
    pass


def test_b():
    pass
