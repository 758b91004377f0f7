import random

import pytest

DRAWN = random.random()


@pytest.mark.parametrize("number", range(6))
def test_numbers(number, record_property):
    record_property("drawn", random.random())


class TestClass:
    def test_drawn_at_import_numbers(self, record_property):
        record_property("drawn", DRAWN)

    def test_b(self):
        pass

    def test_c(self):
        pass
