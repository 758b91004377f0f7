"""The tests whose events stand in shapes.jsonl and whose JUnit file, as pytest wrote it, in shapes.xml."""

import pytest


def test_ok():
    print("captured")


@pytest.mark.parametrize("text", ["a\x07b", "]]>", "a::b[c]", "é & <b> 'q'"])
def test_text(text):
    raise ValueError(f"{text}\nsecond line ]]> \x1b[31m\x7f\t{text!r}")


class TestCart:
    class TestTotal:
        def test_method(self):
            pass


@pytest.fixture
def broken():
    raise RuntimeError("no set-up")


@pytest.fixture
def breaks_later():
    yield
    raise RuntimeError("no \"teardown\"")


def test_setup_error(broken):
    pass


def test_teardown_error(breaks_later):
    pass


def test_failure_and_teardown_error(breaks_later):
    assert 0


@pytest.mark.skip(reason="not <now>")
def test_skipped():
    pass


@pytest.mark.xfail(reason="known & open")
def test_xfailed():
    assert 0


@pytest.mark.xfail
def test_xpassed():
    pass


@pytest.mark.xfail(strict=True)
def test_strict_xpass():
    pass
