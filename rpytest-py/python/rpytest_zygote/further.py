"""The holds of processes that have gone further, and when one is made: with the arguments of the last runs.

What comes in every run after its configuration is made are ini files, plugins, conftest files and the collection. Where
two runs had the same arguments, the process that has gone ahead forks a child that takes them and goes on, by pytest's
own code, and that one another. See docs/design/latency.md.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from rpytest_zygote.forerunner import Forerunner
from rpytest_zygote.going import STAGES, GoingFurther
from rpytest_zygote.known import is_known
from rpytest_zygote.reads import Reads
from rpytest_zygote.request import Request
from rpytest_zygote.witness import ALL

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from types import ModuleType

    from rpytest_zygote.going import Inherited, Wait

_OF_THE_SHELL = {b"_", b"SHLVL", b"PWD", b"OLDPWD", b"COLUMNS", b"LINES"}
"""Variables that a shell or a terminal sets for itself: no native code of a library asks for them."""
_UNWANTED = b"RPYTEST_SHELF=off"
_OLDEST = (3, 10)
"""Before, our exit function is not called, which sees to what has been made on the way."""
_MOST_FAILURES = 5
"""How often it may be made in vain for the same arguments."""


class Further(Forerunner):
    """The process that has gone further, for the one that stayed behind."""

    def __init__(self, pid: int, socket: _socket.socket, request: Request) -> None:
        super().__init__(pid, socket)
        self.request = request
        self.reason: str | None = None
        self.has_arrived = False
        self._reads: Reads | None = None
        self._whole_environment: str | None = ALL

    def takes(self, head: dict[str, Any], body: bytes, descriptors: list[int]) -> bool:
        """Whether it is where this run would be. A run never waits for it, and it ends where its way has changed."""
        if self._reads is None:
            return False
        run = Request(head, body, descriptors)
        if not run.is_common or not run.looks_like(self.request) or _UNWANTED in run.variables:
            return False
        if run.keeps_environment != self.request.keeps_environment or not self._agrees(run):
            return False
        if self._reads.difference() is not None:
            self.give_up()
            return False
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
        self.has_arrived = True

    def _agrees(self, run: Request) -> bool:
        if run.keeps_environment:
            return run.variables == self.request.variables
        then, now = self.request.environment(), run.environment()
        if self._variables is None:
            return False
        if not all(then.get(name) == now.get(name) for name in map(os.fsencode, self._variables)):
            return False
        if self._whole_environment == ALL:
            return list(then.items()) == list(now.items())
        return self._whole_environment is None or _lasting(then) == _lasting(now)


def _lasting(environment: dict[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    """In order: who iterates over the environment sees that too."""
    return [(name, value) for name, value in environment.items() if name not in _OF_THE_SHELL]


class Repeats:
    """When a fork goes further: where the last two runs had the same arguments.

    `stage` is where it goes to, of `STAGES`; beyond the first, all runs that come have the same arguments.
    """

    def __init__(self, last: Request | None, modules: dict[str, ModuleType], stage: int) -> None:
        self._last = last
        self._stage = stage
        self._modules = modules
        self._is_repeated = stage > 0
        self._failures: dict[tuple[bytes, ...], int] = {}
        self._is_possible = (
            sys.platform == "linux"
            and sys.version_info >= _OLDEST
            and stage < len(STAGES)
            and all(map(is_known, STAGES[stage].parts(modules)))
        )

    def note(self, request: Request) -> None:
        """A run begins."""
        last, self._last = self._last, request
        if self._stage == 0:
            wanted = _UNWANTED not in request.variables and request.is_common
            self._is_repeated = wanted and last is not None and request.looks_like(last)

    def is_due(self) -> bool:
        """Whether it is time, as a run has ended."""
        return self._is_possible and self._is_repeated and self._failures.get(self._key(), 0) < _MOST_FAILURES

    def review(self, companion: Further) -> None:
        """A run has ended, and there is one already: it makes room where other arguments are repeated now."""
        assert self._last is not None  # a run has ended
        if self.is_due() and not self._last.looks_like(companion.request):
            companion.give_up()

    def companion(self, pid: int, socket: _socket.socket) -> Further:
        """The hold of the process that has been forked."""
        assert self._last is not None  # it was repeated
        return Further(pid, socket, self._last)

    def lose(self, companion: Further) -> None:
        """It is gone. Where it could not be, or never arrived, it is not tried for ever."""
        key = tuple(companion.request.arguments)
        if companion.has_arrived:
            self._failures.pop(key, None)
        elif companion.reason is not None:
            self._failures[key] = _MOST_FAILURES
        else:
            self._failures[key] = self._failures.get(key, 0) + 1

    def go(self, inherited: Inherited, wait: Wait) -> GoingFurther:
        """In that process."""
        assert self._last is not None  # it was repeated
        following = Repeats(self._last, self._modules, self._stage + 1)
        return GoingFurther(self._stage, self._last, inherited, following, wait)

    def never(self) -> Repeats:
        """It is never time."""
        self._is_possible = False
        return self

    def _key(self) -> tuple[bytes, ...]:
        return tuple(self._last.arguments) if self._last is not None else ()
