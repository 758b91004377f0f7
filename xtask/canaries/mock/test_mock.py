import os
import time

import pytest


@pytest.fixture(scope="session", autouse=True)
def frozen(session_mocker):
    session_mocker.patch("time.time", return_value=1.5)


def test_patch(mocker):
    mocker.patch("os.getcwd", return_value="/nowhere")
    assert os.getcwd() == "/nowhere"


def test_patch_is_undone():
    assert os.getcwd() != "/nowhere"
    assert time.time() == 1.5


def test_spy(mocker):
    spy = mocker.spy(os.path, "join")
    assert os.path.join("a", "b") == "a/b"
    spy.assert_called_once_with("a", "b")
    assert spy.spy_return == "a/b"


def test_environment(mocker):
    mocker.patch.dict(os.environ, {"CANARY": "1"}, clear=True)
    assert dict(os.environ) == {"CANARY": "1"}


def test_stub(mocker):
    stub = mocker.stub("stub")
    stub(1, two=2)
    stub.assert_called_with(1, two=3)


def test_calls(mocker):
    mock = mocker.MagicMock()
    mock.a(1)
    mock.b(2)
    assert mock.mock_calls == [mocker.call.a(1), mocker.call.b(3)]


def test_reset(mocker, class_mocker, module_mocker, package_mocker):
    mock = mocker.Mock(side_effect=[1, ValueError])
    assert mock() == 1
    mocker.resetall()
    mock.assert_not_called()
