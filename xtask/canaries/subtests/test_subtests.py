import logging
import unittest

import pytest


def test_subtests(subtests):
    for number in range(4):
        with subtests.test("parity", number=number):
            print("number", number)
            assert number % 2 == 0


def test_skips(subtests):
    with subtests.test("skipped"):
        pytest.skip("not now")
    with subtests.test("expected"):
        pytest.xfail("known")


def test_logging(subtests, caplog):
    with subtests.test("logged"):
        logging.getLogger().warning("inside")
    assert caplog.messages == ["inside"]


class TestUnittest(unittest.TestCase):
    def test_loop(self):
        for number in range(3):
            with self.subTest("loop", number=number):
                self.assertNotEqual(number, 1)

    @unittest.expectedFailure
    def test_expected(self):
        with self.subTest("inner"):
            self.fail("as expected")
