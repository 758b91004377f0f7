"""pytester, changed: inner runs that need nothing from the outer process are processes of the runner.

- `popen`, and through it `run` and `runpytest_subprocess`: the words `python -m pytest` become the runner.
- `spawn`, and through it `spawn_pytest`: as above.
- `runpytest`, `runpytest_inprocess` and `inline_run`, which run pytest in the same process: a process of the runner
  instead, unless plugin objects are passed. What `inline_run` returns is made from what `recorder` wrote in that run.

What looks at objects of the inner run (`inline_genitems`, `getitem`, `parseconfig`) stays in the outer process.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from subprocess import DEVNULL
from types import SimpleNamespace
from typing import Any, Callable

import pytest
from _pytest.config import PytestPluginManager
from _pytest.pytester import HookRecorder, Pytester, RecordedHookCall, RunResult

from rpytest_verify import recorder

DEADLINE = 60.0
"""Seconds after which an inner run hangs."""


class Reroute:
    """Counts the inner runs that reach the runner, and starts them."""

    def __init__(self, runner: list[str], warm: bool, our_directory: str) -> None:
        self._runner = runner
        self._warm = warm
        self._our_directory = our_directory
        self.reached = 0

    def install(self) -> None:
        """Change the class: pytester makes an object of it for each test."""
        popen, spawn = Pytester.popen, Pytester.spawn
        inline_run = Pytester.inline_run
        in_process = _restoring(inline_run, Pytester.runpytest_inprocess)

        def new_popen(pytester: Pytester, cmdargs: Any, *args: Any, **kwargs: Any) -> Any:
            words = [os.fspath(word) for word in cmdargs]
            return popen(pytester, self._replaced(words, _with_path([os.getcwd()])), *args, **kwargs)

        def new_spawn(pytester: Pytester, cmd: str, *args: Any, **kwargs: Any) -> Any:
            return spawn(pytester, shlex.join(self._replaced(shlex.split(cmd), {**os.environ})), *args, **kwargs)

        def new_in_process(pytester: Pytester, *args: Any, plugins: Any = (), **kwargs: Any) -> Any:
            if plugins:
                return in_process(pytester, *args, plugins=plugins, **kwargs)
            if kwargs.pop("syspathinsert", False):
                pytester.syspathinsert()
            return self._run(args, _with_path(_added_to_path(pytester)))

        def new_inline_run(pytester: Pytester, *args: Any, plugins: Any = (), **kwargs: Any) -> HookRecorder:
            if plugins:
                return inline_run(pytester, *args, plugins=plugins, **kwargs)
            return self._recorded_run(pytester, args)

        changed: dict[str, Callable[..., Any]] = {
            "popen": new_popen,
            "spawn": new_spawn,
            "runpytest_inprocess": new_in_process,
            "inline_run": new_inline_run,
            "inline_genitems": _restoring(inline_run, Pytester.inline_genitems),
        }
        for name, method in changed.items():
            setattr(Pytester, name, method)

    def _replaced(self, words: list[str], environment: dict[str, str]) -> list[str]:
        for python_m_pytest in ([sys.executable, "-mpytest"], [sys.executable, "-m", "pytest"]):
            if words[: len(python_m_pytest)] == python_m_pytest:
                self._reach(environment)
                return [*self._runner, *words[len(python_m_pytest) :]]
        return words

    def _reach(self, environment: dict[str, str]) -> None:
        """A run of the runner is about to come, in the current directory and this environment."""
        self.reached += 1
        if self._warm:
            subprocess.run(
                [*self._runner, "--version"],
                stdin=DEVNULL,
                stdout=DEVNULL,
                stderr=DEVNULL,
                env=environment,
                timeout=DEADLINE,
            )

    def _run(self, args: Any, environment: dict[str, str]) -> RunResult:
        """As `runpytest_inprocess`, which leaves no files of its own, and shows what was written when it is done."""
        self._reach(environment)
        words = [*self._runner, *(str(each) for each in args)]
        started = time.perf_counter()
        ended = subprocess.run(words, input=b"", capture_output=True, timeout=DEADLINE, env=environment)
        seconds = time.perf_counter() - started
        out, err = (text.decode("utf-8", "replace") for text in (ended.stdout, ended.stderr))
        sys.stdout.write(out)
        sys.stderr.write(err)
        return RunResult(ended.returncode, out.splitlines(), err.splitlines(), seconds)

    def _recorded_run(self, pytester: Pytester, args: Any) -> HookRecorder:
        """As `inline_run`, short of the objects that the calls were made with."""
        with tempfile.TemporaryDirectory() as directory:
            record = Path(directory, "record")
            record.touch()
            environment = _with_path([*_added_to_path(pytester), self._our_directory])
            result = self._run(
                ("-p", recorder.__name__, *args),
                {**environment, recorder.VARIABLE: str(record)},
            )
            lines = record.read_text(encoding="utf-8").splitlines()
        hooks = HookRecorder(PytestPluginManager(), _ispytest=True)
        hooks.ret = result.ret
        hooks.calls = [_call(pytester._request.config, json.loads(line)) for line in lines]
        return hooks


def _restoring(inline_run: Any, method: Any) -> Any:
    """`method` with the `inline_run` that it was written for."""

    def restored(*args: Any, **kwargs: Any) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Pytester, "inline_run", inline_run)
            return method(*args, **kwargs)

    return restored


def _with_path(entries: list[str]) -> dict[str, str]:
    """The environment, with these directories first on `PYTHONPATH`."""
    path = [*entries, os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))} if any(path) else {**os.environ}


def _added_to_path(pytester: Pytester) -> list[str]:
    """What the test has put on the `sys.path` of the outer process."""
    before: list[str] = pytester._sys_path_snapshot._SysPathsSnapshot__saved[0]  # type: ignore[attr-defined]
    return [entry for entry in sys.path if entry not in before]


def _call(config: pytest.Config, recorded: dict[str, Any]) -> RecordedHookCall:
    """The call of a hook, from what `recorder` made of it."""
    name, values = recorded["hook"], recorded["values"]
    if "report" in values:
        report = config.hook.pytest_report_from_serializable(config=config, data=values["report"])
        return RecordedHookCall(name, {"report": report})
    if "items" in values:
        return RecordedHookCall(name, {"items": [SimpleNamespace(**item) for item in values["items"]]})
    return RecordedHookCall(name, {"item": SimpleNamespace(**values["item"])})
