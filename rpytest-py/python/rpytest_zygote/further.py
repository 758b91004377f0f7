"""The holds of processes that have gone further, and when one is made: with the arguments of the last runs.

What comes in every run after its configuration is made are ini files, plugins, conftest files and the collection. Where
two runs had the same arguments, the process that has gone ahead forks a child that takes them and goes on, by pytest's
own code, and that one another. See docs/design/latency.md.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from rpytest_zygote.bodies import Edits
from rpytest_zygote.forerunner import ON_ITS_WAY, Forerunner
from rpytest_zygote.going import BEFORE_TESTS, STAGES, GoingFurther
from rpytest_zygote.known import is_known
from rpytest_zygote.reads import Reads
from rpytest_zygote.request import Request
from rpytest_zygote.touches import Touched
from rpytest_zygote.witness import ALL

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from types import ModuleType

    from rpytest_zygote.firstrun import Inherited
    from rpytest_zygote.going import Wait

_OF_THE_SHELL = {b"_", b"SHLVL", b"PWD", b"OLDPWD", b"COLUMNS", b"LINES"}
"""Variables that a shell or a terminal sets for itself: no native code of a library asks for them."""
_OLDEST = (3, 10)
"""Before, our exit function is not called, which sees to what has been made on the way."""
_FIRST_PAUSE, _LONGEST_PAUSE = (0.2, 10.0), 3600.0
"""Seconds until it is tried again, where it did not arrive, and where something was in its way; then twice that."""
_MOST_EDITED = 4
"""Files, the last ones, behind whose heads it is worth stopping."""


class Further(Forerunner):
    """The process that has gone further, for the one that stayed behind."""

    def __init__(self, pid: int, socket: _socket.socket, request: Request, stage: int = 0) -> None:
        super().__init__(pid, socket, request)
        self.turned_down = 0
        """How many runs in a row."""
        self._stage = stage
        self.reason: str | None = None
        self.has_arrived = False
        self.changed: str | None = None
        """The path that has changed since it went by."""
        self._reads: Reads | None = None
        self._edits: Edits
        self._whole_environment: str | None = ALL

    def takes(self, run: Request) -> bool:
        """Whether it is where this run would be. A run never waits for it, and it ends where its way has changed."""
        if run.furthest <= self._stage:
            self.why = run.limit
        elif self._collects_another_part(run):
            self.why = "the last runs had another part to collect, for `--turbo`"
        elif not run.is_common or not run.looks_like(self.request):
            self.why = "the last runs had other arguments, or standard streams of other kinds"
        else:
            self.why = self.difference(run)
        self.turned_down = 0 if self.why is None else self.turned_down + 1
        return self.why is None

    def difference(self, run: Request) -> str | None:
        """What this run would read that is not as it was on the way."""
        if self._reads is None:
            return ON_ITS_WAY
        if run.keeps_environment != self.request.keeps_environment:
            return "the environment has another origin"
        variable = self._changed_variable(run)
        if variable is not None:
            return f"{variable} has another value"
        self._edits.files.clear()
        path = self._reads.difference(self._edits.are_of_bodies)
        if path is None:
            return None
        self.give_up(path)
        return f"{path} has changed"

    def hand_over(self, head: dict[str, Any], body: bytes, descriptors: list[int]) -> bool:
        """Pass a run on, with the files whose functions have other bodies now."""
        return super().hand_over({**head, "edited": sorted(self._edits.files)}, body, descriptors)

    def look_again(self) -> None:
        """Something has changed where runs are."""
        path = self._reads.difference(self._edits.are_of_bodies) if self._reads is not None else None
        if path is not None:
            self.give_up(path)
        else:
            super().look_again()

    def give_up(self, changed: str | None = None) -> None:
        """It takes no more runs, and ends with its last one."""
        self._reads, self.changed = None, changed
        self.say("retire")

    def hear(self, head: dict[str, Any], body: bytes) -> None:
        """It has arrived, or says why nothing can go this way."""
        self.reason, self.changed = head.get("reason"), head.get("changed")
        if self.reason is not None or self.changed is not None:
            self.say("retire")
            return
        self._variables, self._whole_environment = head["variables"], head["whole"]
        self._reads = Reads.decode(body)
        self._edits = Edits(self._reads.texts, Touched.decode(head["touched"]))
        self.turned_down = 0
        self.has_arrived = True

    def _collects_another_part(self, run: Request) -> bool:
        then, now = self.request.turbo, run.turbo
        return (then is None) != (now is None) or (STAGES[self._stage] is BEFORE_TESTS and then != now)

    def _changed_variable(self, run: Request) -> str | None:
        then, now = self.request.environment(), run.environment()
        for name in self._variables or ():
            if not run.keeps_environment and then.get(os.fsencode(name)) != now.get(os.fsencode(name)):
                return f"the variable {name}"
        if run.keeps_environment or self._whole_environment == ALL:
            return None if run.variables == self.request.variables else "some variable"
        return None if self._whole_environment is None or _lasting(then) == _lasting(now) else "some variable"


def _lasting(environment: dict[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    """In order: who iterates over the environment sees that too."""
    return [(name, value) for name, value in environment.items() if name not in _OF_THE_SHELL]


class Repeats:
    """When a fork goes further: where the last two runs had the same arguments.

    `stage` is where it goes to, of `STAGES`; beyond the first, all runs that come have the same arguments.
    """

    def __init__(
        self,
        last: Request | None,
        modules: dict[str, ModuleType],
        stage: int,
        edited: tuple[str, ...] = (),
        is_behind_a_head: bool = False,
    ) -> None:
        self._last = last
        self._stage = stage
        self._edited = edited
        """Files that have changed: it is worth stopping behind their heads."""
        self._is_behind_a_head = is_behind_a_head
        self.ends_when_refused = stage > 0
        """A file does not go on as it began, or has other functions, and later runs would be refused too."""
        self._modules = modules
        self._is_repeated = stage > 0  # else no run would have come so far
        self._pauses: dict[tuple[bytes, ...], tuple[float, float]] = {}
        """Of arguments for which it was made in vain: how long not again, and until when."""
        self._reasons: dict[tuple[bytes, ...], str] = {}
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
            self._is_repeated = request.is_common and last is not None and request.looks_like(last)

    def is_due(self) -> bool:
        """Whether it is time, as a run has ended."""
        is_wanted = self._is_repeated and self._last is not None and self._last.furthest > self._stage
        _, until = self._pauses.get(self._key(), (0.0, 0.0))
        return self._is_possible and is_wanted and time.monotonic() >= until

    def review(self, companion: Further) -> None:
        """A run has ended, and there is one already: it makes room where it was of no use to the last two."""
        if companion.has_arrived and companion.turned_down > 1 and self.is_due():
            companion.give_up()

    def companion(self, pid: int, socket: _socket.socket) -> Further:
        """The hold of the process that has been forked."""
        assert self._last is not None  # it was repeated
        return Further(pid, socket, self._last, self._stage)

    def lose(self, companion: Further) -> None:
        """It is gone. Where it never arrived, it is tried less and less often."""
        key = tuple(companion.request.arguments)
        last, _ = self._pauses.pop(key, (0.0, 0.0))
        self._reasons.pop(key, None)
        self._note_edited(companion.changed)
        if companion.has_arrived:
            return
        pause = min(max(2 * last, _FIRST_PAUSE[companion.reason is not None]), _LONGEST_PAUSE)
        self._pauses[key] = (pause, time.monotonic() + pause)
        if companion.reason is not None:
            self._reasons[key] = companion.reason

    def _note_edited(self, path: str | None) -> None:
        if self._stage == 0 or path is None or "-packages" in path:
            return
        if path.endswith(".pyc"):  # as a run has written it
            directory, name = os.path.split(path)
            path = os.path.join(os.path.dirname(directory), name.partition(".")[0] + ".py")
        if path.endswith(".py"):
            others = (each for each in self._edited if each != path)
            self._edited = (*others, path)[-_MOST_EDITED:]

    def reconsider(self) -> None:
        """Something has changed where runs are: what was in the way may be so no more."""
        self._pauses.clear()

    def obstacle(self) -> str | None:
        """Why a run that begins now begins here and no further, where that is known."""
        if self._stage == len(STAGES):
            return None
        if not self._is_possible:
            return "this pytest, Python or system is not known so well"
        if self._last is not None and self._last.furthest <= self._stage:
            return self._last.limit
        if not self._is_repeated:
            return "the last runs had other arguments, or standard streams of other kinds"
        return self._reasons.get(self._key(), ON_ITS_WAY)

    def stage(self) -> str:
        """Where the runs begin, for people."""
        if self._stage == 0 and self._last is not None and self._last.preload:
            return "preloaded"
        names = ("arguments", "conftests", "collection", "tests")
        return "edited" if self._is_behind_a_head else names[self._stage]

    def go(self, inherited: Inherited, wait: Wait) -> GoingFurther:
        """In that process."""
        assert self._last is not None  # it was repeated
        following = Repeats(self._last, self._modules, self._stage + 1)
        behind_a_head = Repeats(self._last, self._modules, self._stage, self._edited, is_behind_a_head=True)
        return GoingFurther(self._stage, self._edited, self._last, inherited, following, behind_a_head, wait)

    def never(self) -> Repeats:
        """It is never time."""
        self._is_possible = False
        return self

    def _key(self) -> tuple[bytes, ...]:
        return tuple(self._last.arguments) if self._last is not None else ()
