"""A zygote that has gone ahead: a fork that ran on, and stopped where pytest would begin to look at its arguments.

`python -m pytest` does the same from its start to there, whatever it is to run: it finds and runs `pytest.__main__`,
makes the configuration and registers the builtin plugins. So that is done once, by that very code, and a run is forked
from there. Runs for which it would have gone otherwise are forked from the zygote that stayed behind. See
docs/design/latency.md.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` would make enums of everything
import _socket
import os
import select
import sys
import zlib
from contextlib import suppress
from typing import Any

from rpytest_zygote import holders, wire
from rpytest_zygote.known import is_known
from rpytest_zygote.observe import Variables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from rpytest_zygote.session import Session

_PARTS = ("main", "_main", "console_main", "_console_main", "_get_prog_name", "_prepareconfig", "get_config")
_MAINS = ("cb6caa55", "e99dd886", "5a91065f", "1660e38b")
"""Checksums of `pytest/__main__.py`: 7.0, 8.0, 8.3, 9.1."""
_PATIENCE = 1000
"""Milliseconds to wait for what is going ahead."""
_CUSTOMIZATION = "usercustomize"


class Forerunner:
    """The process that has gone ahead, for the one that stayed behind."""

    def __init__(self, pid: int, socket: _socket.socket) -> None:
        self.pid = pid
        self.socket = socket
        self.runs: set[int] = set()
        self._frames = wire.Receiver(socket)
        self._variables: list[str] | None = None
        self._patience = select.poll()
        self._patience.register(socket, select.POLLIN)

    def takes(self, head: dict[str, Any], body: bytes) -> bool:
        """Whether it is where this run would be by now, or will be sooner than a fork made now.

        It may raise `wire.Closed`.
        """
        texts = body.split(b"\0")
        if not all(map(_comes_later, texts[: head["arguments"]])):
            return False
        if self._variables is None and self._patience.poll(_PATIENCE):
            self.news()  # the first that it says
        if self._variables is None:
            return False
        if head["keep_environment"]:
            return True
        given = dict(text.split(b"=", 1) for text in texts[head["arguments"] : head["arguments"] + head["variables"]])
        here = _environment()
        return all(given.get(name) == here.get(name) for name in map(os.fsencode, self._variables))

    def hand_over(self, head: dict[str, Any], body: bytes, descriptors: list[int]) -> bool:
        """Pass a run on; False if there is nobody any more."""
        try:
            wire.send_with(self.socket, wire.encode(head, body), descriptors)
        except OSError:
            return False
        self.runs.add(head["run"])
        return True

    def news(self) -> list[dict[str, Any]]:
        """What it says to the daemon; raises `wire.Closed`."""
        told = []
        for head, _ in self._frames.pending():
            if head["type"] == "ahead":
                self._variables = head["variables"]
                continue
            if head["type"] == "ended":
                self.runs.discard(head["run"])
            told.append(head)
        return told

    def say(self, kind: str) -> None:
        """`retire` or `hang_up`; what is still on its way has nothing to finish."""
        with suppress(OSError):  # the poll will say so
            self.socket.sendall(wire.encode({"type": kind}))
        if self._variables is None:
            os.kill(self.pid, _signal.SIGKILL)


def _comes_later(argument: bytes) -> bool:
    """Whether pytest looks at an argument only after its builtin plugins are registered: all but two kinds.

    `main` answers `--version` at once, and `get_config` blocks plugins (`-p no:NAME`).
    """
    name = argument[2:] if argument.startswith(b"-p") else argument
    return argument not in (b"--version", b"-V") and not name.strip().startswith(b"no:")


def is_possible(modules: dict[str, Any]) -> bool:
    """Whether it is known what this pytest does until it looks at its arguments, and nobody's own code runs there."""
    with open(os.path.join(os.path.dirname(modules["pytest"].__file__), "__main__.py"), "rb") as file:
        if f"{zlib.crc32(file.read()):08x}" not in _MAINS:
            return False
    config_module = modules["_pytest.config"]
    parts = [vars(config_module)[name] for name in _PARTS if name in vars(config_module)]
    parts.append(config_module.PytestPluginManager.consider_preparse)
    return all(map(is_known, parts)) and not _is_customized()


def _is_customized() -> bool:
    """Whether `site` will find a `usercustomize`."""
    if not sys.modules["site"].ENABLE_USER_SITE:
        return False
    finders: list[Any] = sys.meta_path
    return any(finder.find_spec(_CUSTOMIZATION, None) is not None for finder in finders)


class GoingAhead:
    """In the process that goes ahead: lets the interpreter's start go on, until pytest has made its configuration."""

    def __init__(self, modules: dict[str, ModuleType], wait: Callable[[list[str]], Session]) -> None:
        self._modules = modules
        self._module: Any = modules["_pytest.config"]
        self._wait = wait
        self._make = self._module.get_config
        self._read = Variables()
        self._watch = self._read.watch()
        self._environment = _environment()
        self._written = _written()
        self._compared = {*sys.modules, *modules, "__main__"}

    def become_the_run(self) -> None:
        """Return to `site`."""
        self._module.get_config = self._get_config
        self._watch.__enter__()

    def _get_config(self, arguments: list[str], *others: Any, **keywords: Any) -> Any:
        """What `_prepareconfig` calls: returns in each session, with the arguments of its run."""
        self._module.get_config = self._make
        config = self._make(arguments, *others, **keywords)
        self._watch.__exit__()
        added = {name: value for name, value in _environment().items() if name not in self._environment}
        if self._read.variables is None or self._was_seen(added) or arguments:
            os._exit(0)
        holders.remember(self._modules, config.pluginmanager)
        session = self._wait(sorted(self._read.variables))
        session.become_the_run(config)
        for name, value in added.items():
            os.environ[os.fsdecode(name)] = os.fsdecode(value)
        arguments[:] = sys.argv[1:]
        object.__setattr__(config.invocation_params, "args", tuple(arguments))
        return config

    def _was_seen(self, added: dict[bytes, bytes]) -> bool:
        """Whether more has happened than that variables were added, which can be done again.

        A module whose file the daemon does not compare before every run may have changed by then.
        """
        kept = {name: value for name, value in _environment().items() if name not in added}
        return kept != self._environment or _written() != self._written or not self._compared.issuperset(sys.modules)


def _environment() -> dict[bytes, bytes]:
    environment: Any = os.environ
    return dict(environment._data)


def _written() -> list[int]:
    """How much there is in the files that stand for standard output and error."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return [os.fstat(descriptor).st_size for descriptor in (1, 2)]
