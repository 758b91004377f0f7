"""When a zygote lets a fork go ahead, and what that has from it. See docs/design/latency.md."""

from __future__ import annotations

import gc
import os
import sys
from typing import Any

from rpytest_zygote.ending import Ending, can_be_thawed
from rpytest_zygote.forerunner import Forerunner
from rpytest_zygote.shelf import Shelf
from rpytest_zygote.start import bring_apart
from rpytest_zygote.streams import Streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from types import ModuleType

    from rpytest_zygote.ahead import GoingAhead
    from rpytest_zygote.going import Wait
    from rpytest_zygote.observe import StartUp
    from rpytest_zygote.request import Request

_MOST_LOSSES = 3


class Inherited:
    """What a process that goes on has from the one that it is a fork of.

    `start_up` tells of the environment, `modules` are all that were in `sys.modules` when the shelf had been filled.
    """

    def __init__(
        self,
        shelf: Shelf,
        streams: Streams,
        ending: Ending,
        start_up: StartUp,
        modules: dict[str, ModuleType],
    ) -> None:
        self.shelf = shelf
        self.streams = streams
        self.ending = ending
        self.start_up = start_up
        self._modules = modules
        self._attending: ModuleType | None = None

    def attending(self) -> ModuleType:
        """The module of that name."""
        if self._attending is None:
            self._attending = self.bring("attending")
        return self._attending

    def bring(self, name: str) -> ModuleType:
        """A module of ours that the first run has not waited for."""

        def bring() -> ModuleType:
            __import__(f"{__package__}.{name}")
            ours = {key: module for key, module in sys.modules.items() if key.startswith(f"{__package__}.")}
            self._modules.update(ours)
            return ours[f"{__package__}.{name}"]

        found: ModuleType = self.shelf.with_everything(self._modules, lambda: bring_apart(bring))
        sys.path_importer_cache.pop(os.path.dirname(__file__), None)
        freeze(self.shelf)
        return found


class FirstRun:
    """When a zygote lets a fork go ahead: as soon as its first run has ended, and in place of it another one when runs
    leave out other builtin plugins."""

    ends_when_refused = False

    def __init__(self) -> None:
        self._last: Request | None = None
        self._is_repeated = False
        """Whether the last two runs have left out the same builtin plugins."""
        self._losses: dict[tuple[str, ...], int] = {}
        """By these."""
        self._is_outdated = False

    def note(self, request: Request) -> None:
        """A run begins."""
        last, self._last = self._last, request
        self._is_repeated = last is not None and last.blocked == request.blocked

    def is_due(self) -> bool:
        """Whether it is time, as a run has ended."""
        assert self._last is not None  # a run has ended
        return self._losses.get(tuple(self._last.blocked), 0) < _MOST_LOSSES

    def review(self, companion: Forerunner) -> None:
        """A run has ended, and there is one already: it makes room where another one is of more use."""
        assert self._last is not None  # a run has ended
        is_other = self._is_repeated and self._last.blocked != companion.request.blocked
        is_promising = is_other and tuple(self._last.blocked) not in self._losses
        if not companion.runs and (is_promising or self._last.preload != companion.request.preload):
            companion.say("retire")
            self._is_outdated = True

    def companion(self, pid: int, socket: _socket.socket) -> Forerunner:
        """The hold of the process that has been forked."""
        assert self._last is not None  # a run has ended
        return Forerunner(pid, socket, self._last)

    def lose(self, companion: Forerunner) -> None:
        """It is gone: another one is made, but not again and again."""
        if not self._is_outdated:
            key = tuple(companion.request.blocked)
            self._losses[key] = self._losses.get(key, 0) + 1
        self._is_outdated = False

    def reconsider(self) -> None:
        """Something has changed where runs are: nothing that matters here."""

    def obstacle(self) -> str | None:
        """Why a run that begins now begins here and no further, where that is known."""
        return None

    def stage(self) -> str:
        """Where the runs begin."""
        return "imported"

    def go(self, inherited: Inherited, wait: Wait) -> GoingAhead:
        """In that process."""
        assert self._last is not None  # a run has ended
        ahead: Any = inherited.bring("ahead")
        inherited.attending()  # further on it is too late to import anything
        going: GoingAhead = ahead.go(self._last, inherited, wait)
        return going


def freeze(shelf: Shelf) -> None:
    """What the zygote, or the process that goes ahead, has made so far."""
    # Else a run imports another object of that name, which `thaw` cannot reach.
    if shelf.modules().get("gc") is gc and can_be_thawed():
        gc.freeze()
