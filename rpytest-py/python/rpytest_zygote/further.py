"""A process that has gone further: with the arguments of the last runs, to where pytest would look for conftest files.

What comes next in every run after its configuration is made are ini files and installed plugins. Where two runs had the
same arguments, the process that has gone ahead forks a child that takes them and goes on, by pytest's own code. First a
trial does the same and is thrown away: it tells what is read on the way, which is compared before every run, and
whether there is anything that each run must do anew. See docs/design/latency.md.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` would make enums of everything
import os
import sys
import time
from typing import Any

from rpytest_zygote import thaw, world
from rpytest_zygote.environment import set_environment
from rpytest_zygote.forerunner import Forerunner
from rpytest_zygote.known import is_known
from rpytest_zygote.reads import Reads
from rpytest_zygote.session import forget_directory_listings
from rpytest_zygote.streams import written
from rpytest_zygote.trial import Trial, hold

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable
    from types import ModuleType

    from rpytest_zygote.session import Session
    from rpytest_zygote.shelf import Shelf

    Wait = Callable[[dict[str, Any], bytes, Any], Any]
    """Tells the zygote that stayed behind, and returns in each fork, with what the fork is to be."""

_PARTS = ("pytest_cmdline_parse", "parse", "_preparse", "_warn_about_skipped_plugins")
_LAST = "_warn_about_skipped_plugins"
"""What `parse` calls last before the hook for conftest files."""
_OF_THE_SHELL = {b"_", b"SHLVL", b"PWD", b"OLDPWD", b"COLUMNS", b"LINES"}
"""Variables that a shell or a terminal sets for itself: they count only where they are asked for by name."""
_STANDARD_STREAMS = {0, 1, 2}
_LONGEST = 60
"""Seconds that it may be on its way."""
_MOST_FAILURES = 3
"""How often it may be made in vain for the same arguments."""


class Request:
    """Of a run, what decides whether it goes the same way."""

    def __init__(self, head: dict[str, Any], body: bytes) -> None:
        texts = body.split(b"\0")
        self.arguments = texts[: head["arguments"]]
        self.variables = texts[head["arguments"] : head["arguments"] + head["variables"]]
        self.keeps_environment = bool(head["keep_environment"])
        # A session without one of the standard streams, or with events, is put right in a way that plugins could see.
        self.is_common = not head["events"] and _STANDARD_STREAMS.issubset(head["descriptors"])

    def environment(self) -> dict[bytes, bytes]:
        """By name."""
        return dict(text.split(b"=", 1) for text in self.variables if b"=" in text)


class Further(Forerunner):
    """The process that has gone further, for the one that stayed behind."""

    def __init__(self, pid: int, socket: _socket.socket, request: Request) -> None:
        super().__init__(pid, socket)
        self.request = request
        self.reason: str | None = None
        self.served = 0
        self._reads: Reads | None = None
        self._whole_environment = True

    def takes(self, head: dict[str, Any], body: bytes) -> bool:
        """Whether it is where this run would be. A run never waits for it, and it ends where its way has changed."""
        run = Request(head, body)
        if self._reads is None or not run.is_common or run.arguments != self.request.arguments:
            return False
        if run.keeps_environment != self.request.keeps_environment or not self._agrees(run):
            return False
        if self._reads.difference() is not None:
            self.give_up()
            return False
        self.served += 1
        return True

    def give_up(self) -> None:
        """It takes no more runs, and ends with its last one."""
        self._reads = None
        self.say("retire")

    def hear(self, head: dict[str, Any], body: bytes) -> None:
        """It has arrived, or says why nothing can go this way."""
        self.reason = head.get("reason")
        if self.reason is not None:
            self.say("retire")
            return
        self._variables, self._whole_environment = head["variables"], head["whole"]
        self._reads = Reads.decode(body)

    def _agrees(self, run: Request) -> bool:
        if run.keeps_environment:
            return run.variables == self.request.variables
        then, now = self.request.environment(), run.environment()
        if self._variables is None:
            return False
        if not all(then.get(name) == now.get(name) for name in map(os.fsencode, self._variables)):
            return False
        return not self._whole_environment or _lasting(then) == _lasting(now)


def _lasting(environment: dict[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    """In order: who iterates over the environment sees that too."""
    return [(name, value) for name, value in environment.items() if name not in _OF_THE_SHELL]


class Repeats:
    """When what has gone ahead lets a fork go further: where the last two runs had the same arguments."""

    def __init__(self, last: Request | None, modules: dict[str, ModuleType]) -> None:
        self._last = last
        self._is_repeated = False
        self._failures: dict[tuple[bytes, ...], int] = {}
        config: Any = modules["_pytest.config"].Config
        self._is_possible = sys.platform == "linux" and all(
            is_known(vars(config)[name]) for name in _PARTS if name in vars(config)
        )

    def note(self, request: Request) -> None:
        """A run begins."""
        last, self._last = self._last, request
        self._is_repeated = last is not None and last.arguments == request.arguments and request.is_common

    def is_due(self) -> bool:
        """Whether it is time, as a run has ended."""
        return self._is_possible and self._is_repeated and self._failures.get(self._key(), 0) < _MOST_FAILURES

    def review(self, companion: Further) -> None:
        """A run has ended, and there is one already: it makes room where other arguments are repeated now."""
        if self.is_due() and tuple(companion.request.arguments) != self._key():
            companion.give_up()

    def companion(self, pid: int, socket: _socket.socket) -> Further:
        """The hold of the process that has been forked."""
        assert self._last is not None  # it was repeated
        return Further(pid, socket, self._last)

    def lose(self, companion: Further) -> None:
        """It is gone. Where it could not be, or was made in vain again and again, it is not tried any more."""
        key = tuple(companion.request.arguments)
        if companion.served:
            self._failures.pop(key, None)
        elif companion.reason is not None:
            self._failures[key] = _MOST_FAILURES
        else:
            self._failures[key] = self._failures.get(key, 0) + 1

    def go(self, shelf: Shelf, facts: dict[str, Any], wait: Wait) -> GoingFurther:
        """In that process."""
        assert self._last is not None  # it was repeated
        package = os.path.dirname(shelf.modules()["_pytest"].__file__ or "")
        return GoingFurther(self._last, facts["changes"], package, wait)

    def _key(self) -> tuple[bytes, ...]:
        return tuple(self._last.arguments) if self._last is not None else ()


class GoingFurther:
    """In the process that goes further: takes the arguments of the last run, and waits where `parse` has them all."""

    def __init__(self, request: Request, changes: dict[bytes, bytes | None], package: str, wait: Wait) -> None:
        self._request = request
        self._changes = changes
        self._package = package
        self._wait = wait
        self._config: Any = None
        self._added: dict[bytes, bytes] = {}
        self._trial: Trial | None = None
        self._reads = Reads()
        self._message: dict[str, Any] = {}

    def become_the_run(self, config: Any = None) -> None:
        """Like a session as far as the way there can tell."""
        self._config = config
        if not self._request.keeps_environment:
            set_environment(self._request.variables, self._changes)
        sys.argv[1:] = map(os.fsdecode, self._request.arguments)
        if hasattr(sys, "orig_argv"):
            sys.orig_argv[1:] = ["-m", "pytest", *sys.argv[1:]]
        thaw.when_looked_at()
        forget_directory_listings()

    def go_on(self, added: dict[bytes, bytes]) -> None:
        """Hold a trial; then, and in the trial, return to pytest, until it arrives."""
        _signal.alarm(_LONGEST)
        self._added = added
        begun = time.time_ns()
        self._trial, report, reads = hold(self._package)
        setattr(self._config, _LAST, self._arrive)
        if self._trial is not None:
            return
        self._reads = Reads.decode(reads) if reads else Reads()
        if not self._reads.is_settled_at(begun) or self._reads.difference() is not None:
            os._exit(0)  # somebody changes files just now: it is tried again later
        if report["reason"] is not None:
            self._give_up(report["reason"])
        self._message = report
        self._exactly = (self._reads.exactly(), written())

    def _give_up(self, reason: str) -> None:
        self._wait({"reason": reason, "variables": None}, b"", None)
        os._exit(0)

    def _arrive(self) -> Any:
        """What `parse` calls: returns in each session, without a trace."""
        delattr(self._config, _LAST)
        if self._trial is not None:
            self._trial.end("plugins were skipped" if self._config.pluginmanager.skipped_plugins else None)
        same = (self._reads.exactly(), written()) == self._exactly
        if not same or self._reads.difference() is not None:
            os._exit(0)
        _signal.alarm(0)
        arguments = list(sys.argv)
        session: Session = self._wait(self._message, self._reads.encode(), None)
        session.become_the_run(self._config)
        for name, value in self._added.items():
            os.environ[os.fsdecode(name)] = os.fsdecode(value)
        sys.argv[:] = arguments
        for module, number in world.KEEPS_ITS_NUMBER.items():
            if module in sys.modules:
                setattr(sys.modules[module], number, os.getpid())
        return getattr(self._config, _LAST)()
