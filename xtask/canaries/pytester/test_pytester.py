import sys

import pytest

ARGUMENTS = ("-p", "no:randomly", "-p", "no:sugar", "-p", "no:cacheprovider")


@pytest.fixture
def suite(pytester):
    pytester.makeconftest("import pytest\n\n@pytest.fixture\ndef number():\n    return 1\n")
    pytester.makepyfile(
        "def test_one(number):\n    assert number == 1\n\ndef test_two(number):\n    assert number == 2\n"
    )
    return pytester


def test_outcomes(suite):
    result = suite.runpytest(*ARGUMENTS)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*assert 1 == 2*", "*1 failed, 1 passed*"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_inline(suite):
    passed, skipped, failed = suite.inline_run(*ARGUMENTS).listoutcomes()
    assert (len(passed), len(skipped), len(failed)) == (1, 0, 1)


def test_hooks(suite):
    recorder = suite.inline_run(*ARGUMENTS)
    names = [call._name for call in recorder.getcalls("pytest_runtest_logstart pytest_runtest_logfinish")]
    assert names == ["pytest_runtest_logstart", "pytest_runtest_logfinish"] * 2


def test_child(suite):
    assert suite.runpytest_subprocess(*ARGUMENTS).ret == 1


def test_command(suite):
    result = suite.run(sys.executable, "-m", "pytest", "--collect-only", "-q", *ARGUMENTS)
    result.stdout.fnmatch_lines(["*::test_one", "*::test_two"])


def test_plugin_of_the_inner_run(pytester):
    pytester.makepyfile(inner="def pytest_report_header():\n    return 'inner header'\n")
    pytester.makepyfile("def test_one():\n    import sys\n    assert 'inner' in sys.modules\n")
    pytester.syspathinsert()
    result = pytester.runpytest("-p", "inner", *ARGUMENTS)
    result.stdout.fnmatch_lines(["inner header"])
    assert result.ret == 0


def test_items(pytester):
    item = pytester.getitem("def test_func():\n    pass\n")
    assert item.name == "test_func"


def test_failing_match(suite):
    suite.runpytest(*ARGUMENTS).stdout.fnmatch_lines(["no such line"])
