"""The one audit hook of a process that has gone further: on the way, and in the runs that are forked from it.

See docs/design/latency.md.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from rpytest_zygote import world
from rpytest_zygote.bodies import note_executed
from rpytest_zygote.effects import LISTINGS, is_temporary, reaches_outside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from rpytest_zygote.reads import Reads

_BY_PATH = ("open", "os.chdir", *LISTINGS)
_BLIND = ("cpython.", "gc.", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "shutil.", "socket.", "tempfile.")
"""How the names of audit events begin of who learns nothing of threads by what it does."""


class Guard:
    """An audit hook stays for ever: there is one, for two jobs."""

    def __init__(self) -> None:
        self.reads: Reads | None = None
        """On the way without a trial: what the trial has read. It has not changed since, but may at any moment."""
        self.before_a_look: Callable[[], None] | None = None
        """In a run: what is done as soon as somebody may see whether it has been done, in `/proc` for example."""
        harmless, frame_of = world.HARMLESS_EVENTS, sys._getframe  # a program may replace it

        # No method: each event would cost half a microsecond, and `id` is one.
        def hear(event: str, arguments: tuple[Any, ...]) -> None:
            if self.reads is None:
                if self.before_a_look is not None and event not in harmless:
                    self._see(event, arguments)
            elif event == "exec":
                note_executed(arguments[0], frame_of(1))
            elif event not in harmless:
                self._hear(self.reads, event, arguments, frame_of(1))

        sys.addaudithook(hear)

    def _hear(self, reads: Reads, event: str, arguments: tuple[Any, ...], frame: FrameType) -> None:
        if frame.f_code.co_filename.startswith(world.OURS):
            return
        if reaches_outside(event, arguments, frame) or (event == "open" and _is_new(reads, arguments[0], frame)):
            os._exit(0)

    def let_go(self) -> None:
        """Of all modules, which end before audit hooks do. It hears no more than what another thread is saying."""
        self.reads = self.before_a_look = None
        needed = {name: globals()[name] for name in ("_may_look", "_BY_PATH", "_BLIND")}
        globals().clear()
        globals().update(needed)

    def _see(self, event: str, arguments: tuple[Any, ...]) -> None:
        action = self.before_a_look
        if action is not None and _may_look(event, arguments):
            self.before_a_look = None
            action()


def _may_look(event: str, arguments: tuple[Any, ...]) -> bool:
    """Whether this is said by who may learn of the threads of this process, or has others do so.

    Anybody may raise such an event, with any arguments; none of these is asked for anything.
    """
    if event in _BY_PATH:  # or in the working directory, into which nobody has gone without this being heard
        path = arguments[0] if arguments else None
        if type(path) is str:
            return "/proc" in path
        return b"/proc" in path if type(path) is bytes else path is not None
    return not event.startswith(_BLIND)


def _is_new(reads: Reads, path: Any, frame: FrameType) -> bool:
    """Whether a file is opened that a trial has not, or that is another one now."""
    if isinstance(path, int) or path == os.devnull or is_temporary(frame):
        return False
    return not reads.is_as_opened(os.path.join(os.getcwd(), os.fsdecode(path)))
