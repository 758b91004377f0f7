"""What the user wants imported, or called, before runs begin: `preload` in `[tool.rpytest]`.

It is the user's word that tests may find it done. What is kept is compared before every run: files that were opened,
names that were looked for, variables that were read. See docs/design/latency.md.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from typing import Any

from rpytest_zygote import numerics, thaw, world
from rpytest_zygote.environment import environment, set_environment
from rpytest_zygote.forerunner import ON_ITS_WAY
from rpytest_zygote.further import Further, Repeats
from rpytest_zygote.observe import Variables
from rpytest_zygote.reads import Reads
from rpytest_zygote.request import Request
from rpytest_zygote.touches import untouched
from rpytest_zygote.witness import ALL

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from types import ModuleType

    from rpytest_zygote.firstrun import Inherited
    from rpytest_zygote.forerunner import Forerunner
    from rpytest_zygote.going import Wait

_MOST_FAILURES = 3
"""How often it is tried in vain."""


class Preloaded(Further):
    """The process that has it, for the one that stayed behind."""

    def takes(self, run: Request) -> bool:
        """Whether it has what this run wants."""
        self.why = self.difference(run)
        return self.why is None


class Preloads:
    """When a fork preloads: as soon as a run that wants it has ended."""

    ends_when_refused = False

    def __init__(self, last: Request, modules: dict[str, ModuleType]) -> None:
        self._last = last
        self._modules = modules
        self._failures = 0
        self._reason: str | None = None

    def note(self, request: Request) -> None:
        """A run begins."""
        self._last = request

    def is_due(self) -> bool:
        """Whether it is time, as a run has ended."""
        return self._failures < _MOST_FAILURES

    def review(self, companion: Forerunner) -> None:
        """A run has ended, and there is one already, which stays."""

    def companion(self, pid: int, socket: _socket.socket) -> Preloaded:
        """The hold of the process that has been forked."""
        return Preloaded(pid, socket, self._last)

    def lose(self, companion: Preloaded) -> None:
        """It is gone. What failed is not tried for ever."""
        self._failures = 0 if companion.has_arrived else self._failures + 1
        self._reason = companion.reason

    def reconsider(self) -> None:
        """Something has changed where runs are: what failed may not fail again."""
        self._failures = 0

    def obstacle(self) -> str | None:
        """Why a run that begins now begins here and no further, where that is known."""
        return self._reason or ON_ITS_WAY

    def stage(self) -> str:
        """Where the runs begin."""
        return "arguments"

    def go(self, inherited: Inherited, wait: Wait) -> Preloading:
        """In that process."""
        return Preloading(self._last, inherited, Repeats(self._last, self._modules, stage=0), wait)


class Preloading:
    """In that process."""

    def __init__(self, request: Request, inherited: Inherited, following: Repeats, wait: Wait) -> None:
        self._request = request
        self._inherited = inherited
        self._following = following
        self._wait = wait
        self._read = Variables()
        self._reads = Reads()

    def preload(self) -> tuple[Any, dict[bytes, bytes | None]]:
        """Returns in each session, and in what goes further, with what that is, and the variables that were changed."""
        if not self._request.keeps_environment:
            set_environment(self._request.variables, self._inherited.start_up.changes)
        given, begun, before, frozen = environment(), time.time_ns(), set(sys.modules), thaw.frozen()
        self._look()
        if thaw.frozen() > frozen:
            self._fail("it calls `gc.freeze`, which each run must do itself")
        for name in set(sys.modules) - before:  # of a module that is compiled already only the bytecode is opened
            origin = getattr(getattr(sys.modules[name], "__spec__", None), "origin", None)
            if origin is not None and os.path.isabs(origin):
                self._reads.note("stat", origin)
        self._reads.settle()
        if self._reads.changed_since(begun) is not None:
            os._exit(0)  # somebody changes files just now: it is tried again
        now = environment()
        changed = {name: now.get(name) for name in {**given, **now} if given.get(name) != now.get(name)}
        read = self._read.variables
        names = sorted({*(read or ()), *map(os.fsdecode, changed)})
        self._inherited.ending.keep_more(thaw.freeze)
        arrived = {"variables": names, "whole": ALL if read is None else None, "touched": untouched().encode()}
        return self._wait(arrived, self._reads.encode(), self._following), changed

    def _look(self) -> None:
        watched = [True]

        def hear(event: str, arguments: tuple[Any, ...]) -> None:
            if event != "open" or not watched or sys._getframe(1).f_code.co_filename.startswith(world.OURS):
                return
            if isinstance(arguments[0], (str, bytes)) and os.path.isfile(arguments[0]):
                self._reads.note_opened(os.path.join(os.getcwd(), os.fsdecode(arguments[0])))

        def let_go() -> None:  # of all modules, which end before audit hooks do
            vars(self).clear()
            globals().clear()

        self._inherited.ending.have_let_go(let_go)
        find = sys.modules["_frozen_importlib_external"].FileFinder.find_spec.__code__

        def profile(frame: Any, event: str, _: Any) -> None:
            if event == "call" and frame.f_code is find:
                directory = os.path.join(os.getcwd(), frame.f_locals["self"].path)
                self._reads.note_name(directory, frame.f_locals["fullname"].rpartition(".")[2])

        sys.addaudithook(hear)
        sys.setprofile(profile)
        try:
            with self._read.watch():
                for target in self._request.preload:
                    _do(target)
        except BaseException as error:
            self._fail(f"{type(error).__name__}: {error}")
        finally:
            sys.setprofile(None)
            watched.clear()
        if not numerics.are_known(numerics.threads()):
            self._fail("it starts threads, which a fork does not have")

    def _fail(self, reason: str) -> None:
        self._wait({"reason": f"preload: {reason}", "variables": None}, b"", self._following.never())
        os._exit(0)


def _do(target: str) -> None:
    """`module`, or `module:callable`."""
    name, _, path = target.partition(":")
    found: Any = importlib.import_module(name)
    if path:
        for attribute in path.split("."):
            found = getattr(found, attribute)
        found()
