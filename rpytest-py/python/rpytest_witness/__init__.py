"""Tells `rpytest --verify-dropin` what a run of pytest does; the same for plain pytest and for rpytest.

A pytest plugin that leaves the run as it was typed: it is named by `PYTEST_PLUGINS`, not by an argument, and found by
`PYTHONPATH`; importing it puts both variables and `sys.path` back, before any conftest is loaded. Processes that the
tests start know nothing of it. It writes into the directory that `RPYTEST_WITNESS` names:

- `events.jsonl`: the events of the run, as `rpytest --events` has them;
- `cache-dir`, `junit`: the paths of pytest's cache and of its JUnit file;
- `cache`: a copy of that cache as it is before the run, unless there is one from an earlier run.

See docs/design/verify-dropin.md.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from .events import Events

_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_REPORTS = Path(os.environ.pop("RPYTEST_WITNESS"))
# Out of the way of those numbers that a run can notice.
_DESCRIPTOR = 200


def _disappear() -> None:
    """Put the path and the variables back. An empty variable was taken for one that is not set."""
    for variable, separator, ours in (("PYTHONPATH", os.pathsep, _HERE), ("PYTEST_PLUGINS", ",", __name__)):
        before = os.environ[variable].removesuffix(ours).removesuffix(separator)
        if before:
            os.environ[variable] = before
        else:
            del os.environ[variable]
    sys.path.remove(_HERE)
    sys.path_importer_cache.pop(_HERE, None)
    if sys.pycache_prefix is not None:
        # The user's directory for bytecode shows what was imported: this must not be there.
        shutil.rmtree(sys.pycache_prefix + _HERE, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: Any) -> None:
    """pytest: the ini file and the command line are known, nothing has been written yet."""
    _remember_cache(early_config)
    descriptor = os.open(_REPORTS / "events.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        above = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _DESCRIPTOR)
    except OSError:  # a low limit
        above = os.dup(descriptor)
    os.close(descriptor)
    head = {"path": "fallback", "reason": None, "versions": (None, None)}
    early_config.pluginmanager.register(Events(early_config, above, head), "rpytest-witness-events")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: Any) -> None:
    """pytest: the plugin for JUnit files looks at its option next."""
    if getattr(config.option, "xmlpath", "") is None:
        config.option.xmlpath = str(_REPORTS / "junit.xml")
    path = getattr(config.option, "xmlpath", None)
    if path:
        path = os.path.expanduser(os.path.expandvars(path))
        (_REPORTS / "junit").write_text(os.path.abspath(path), "utf-8", "surrogateescape")


def _remember_cache(config: Any) -> None:
    try:
        named = os.path.expandvars(os.path.expanduser(config.getini("cache_dir")))
    except (KeyError, ValueError):  # no cache in this run
        return
    directory = config.rootpath / named
    copy = _REPORTS / "cache"
    known = _REPORTS / "cache-dir"
    if not known.exists() and directory.is_dir():
        shutil.copytree(directory, copy, symlinks=True)
    known.write_text(str(directory), "utf-8", "surrogateescape")


_disappear()
