import os

import pytest
from arithmetic import sign


@pytest.mark.parametrize("number", [-2, 2])
def test_sign(number):
    print("number", number)
    assert sign(number) * 2 == number


def test_fails(tmp_path):
    (tmp_path / "file").write_text("x")
    assert os.listdir(tmp_path) == []


@pytest.mark.xdist_group("one")
def test_group(worker_id, testrun_uid):
    assert worker_id == "master" or worker_id.startswith("gw")
    assert testrun_uid


@pytest.fixture(scope="session")
def once():
    return object()


def test_once(once):
    assert os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0") in "012"
