"""Sees all that a trial does, and ends it at the first thing that is not known to be harmless.

Nothing here is careful to leave no mark, as the process is thrown away; and nothing reaches outside, since the trial
ends before it is done. See docs/design/latency.md.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import Any

from rpytest_zygote import facts, lookups, world
from rpytest_zygote.reads import Reads, entries, is_directory
from rpytest_zygote.streams import written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_OPENSSL = {"_hashlib", "_ssl"}
_OURS = os.path.dirname(__file__) + os.sep
_DESCRIPTORS, _TASKS, _MAPS = "/proc/self/fd", "/proc/self/task", "/proc/self/maps"
_STREAMS = ("stdin", "stdout", "stderr")
_ALLOWED_OF_STREAMS = ("flush", "fileno")


class Witness:
    """Watches until `end`; `stop` is called with the reason where the trial must end, and does not return."""

    def __init__(self, stop: Callable[[str], None], package: str) -> None:
        self.reads = Reads()
        self.variables = {"TZ"}
        self.whole_environment = False
        self._stop = stop
        self._trusted = (package + os.sep, os.path.join(os.path.dirname(package), "pluggy", ""), _OURS)
        self._judged: dict[tuple[str, str], bool] = {}
        self._codes: set[CodeType] = set()
        self._is_over = False
        self._streams = [each for stream in (sys.stdin, sys.stdout, sys.stderr) for each in _layers(stream)]
        self._before = self._standing()
        kind: Any = type(os.environ)
        self._special = {
            kind.__getitem__.__code__: self._variable,
            **{getattr(kind, name).__code__: self._environment for name in ("__iter__", "__len__", "__repr__")},
            sys.modules["_frozen_importlib_external"].FileFinder.find_spec.__code__: self._find,
        }

    def begin(self) -> None:
        """From now on."""
        self.reads.note("stat", "/etc/localtime")
        lookups.install(self)
        sys.addaudithook(self._audit)
        sys.setprofile(self._profile)

    def end(self) -> None:
        """No more is done; what has come of it must not be what a fork does not have."""
        sys.setprofile(None)
        self._is_over = True
        now = self._standing()
        for what, then in self._before.items():
            if what not in ("modules", "maps") and now[what] != then:
                self.deny(f"changes {what}")
        added = now["modules"] - self._before["modules"]
        if added & world.NEVER:
            self.deny(f"imports {min(added & world.NEVER)}")
        for path in (now["maps"] - self._before["maps"]) | set(facts.read_by_openssl() if added & _OPENSSL else ()):
            self.reads.note("stat", path)
        self.reads.settle()

    def deny(self, reason: str) -> None:
        """This must be done anew in each run."""
        sys.setprofile(None)
        self._is_over = True
        self._stop(reason)

    def judge(self, called: Any, frame: FrameType) -> None:
        """A function in C is about to be called."""
        owner = getattr(called, "__self__", None)
        if any(owner is stream for stream in self._streams):
            harmless = called.__name__ in _ALLOWED_OF_STREAMS
        else:
            key = world.name(called)
            if key not in self._judged:
                self._judged[key] = world.is_harmless(*key)
            harmless = self._judged[key]
        if not harmless and not _is_excused(called.__name__, frame):
            self.deny(f"calls {'.'.join(world.name(called))} in {frame.f_code.co_filename}")

    @staticmethod
    def _standing() -> dict[str, Any]:
        """What is not in the memory that a fork copies, or is put right in each session."""
        environment: Any = os.environ
        with open(_MAPS, encoding="utf-8", errors="surrogateescape") as file:
            mapped = {line.split(None, 5)[5].rstrip("\n") for line in file if line.count("/")}
        return {
            "the environment": (dict(environment._data), dict(sys.modules["posix"].environ)),
            "the standard streams": [getattr(sys, f"{line}{name}{line}") for name in _STREAMS for line in ("", "__")],
            "what has been written": written(),
            "hooks": (sys.gettrace(), gc.callbacks[:]),
            "descriptors": entries(_DESCRIPTORS),
            "threads": len(entries(_TASKS)),
            "modules": set(sys.modules),
            "maps": {path for path in mapped if path.startswith("/")},
        }

    def _variable(self, frame: FrameType) -> None:
        key = frame.f_locals.get("key")
        if isinstance(key, str):
            self.variables.add(key)
        else:
            self.whole_environment = True

    def _environment(self, frame: FrameType) -> None:
        self.whole_environment = True

    def _find(self, frame: FrameType) -> None:
        name, finder = frame.f_locals["fullname"], frame.f_locals["self"]
        self.reads.note_name(os.path.abspath(finder.path), name.rpartition(".")[2])

    def _profile(self, frame: FrameType, event: str, called: Any) -> None:
        if event == "call":
            code = frame.f_code
            special = self._special.get(code)
            if special is not None:
                special(frame)
            elif code not in self._codes:
                self._codes.add(code)
                self._examine(code)
        elif event == "c_call" and not frame.f_code.co_filename.startswith(_OURS):
            self.judge(called, frame)

    def _examine(self, code: CodeType) -> None:
        """Somebody's own code must not read what can be read without a call."""
        if world.is_standard(code.co_filename) or code.co_filename.startswith(self._trusted):
            return
        words = world.UNSEEN.intersection(code.co_names) or world.UNSEEN.intersection(filter(_is_text, code.co_consts))
        if words:
            self.deny(f"reads {min(words)} in {code.co_filename}")

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._is_over or event in world.HARMLESS_EVENTS:
            return
        if event != "open" and sys._getframe(1).f_code.co_filename.startswith(_OURS):
            return
        if event == "open":
            self._open(arguments[0], arguments[2] or 0)
        elif event == "import":
            self._import(arguments[0], arguments[1])
        elif event in ("os.listdir", "os.scandir"):
            self.deny(f"lists {arguments[0]} in an unknown way")
        elif event != "os.mkdir" or not is_directory(arguments[0]):
            self.deny(f"does {event}")

    def _open(self, path: Any, flags: int) -> None:
        if isinstance(path, int):
            return
        text = os.path.abspath(os.fsdecode(path))
        if flags & _WRITING:
            self.deny(f"writes {text}")
        self.note("stat", text)

    def note(self, how: str, path: str) -> None:
        """A path is looked at."""
        if path.startswith(("/proc/", "/dev/", "/sys/")):
            self.deny(f"looks at {path}")
        self.reads.note(how, path)

    def _import(self, name: str, file: str | None) -> None:
        if file is None or world.is_standard(file):
            return
        if name not in world.NATIVE:
            self.deny(f"imports {name}, which is native code")
        self.whole_environment = True


def _is_text(constant: object) -> bool:
    return isinstance(constant, str)


def _layers(stream: Any) -> list[Any]:
    buffer = getattr(stream, "buffer", None)
    return [each for each in (stream, buffer, getattr(buffer, "raw", None)) if each is not None]


def _is_excused(name: str, frame: FrameType | None) -> bool:
    """Whether nothing comes of a call: an argument parser makes a formatter and drops it, with the terminal's size."""
    assert frame is not None
    file = frame.f_code.co_filename
    if name == "register_at_fork":
        return file.endswith(world.FORK_HANDLERS) and world.is_standard(file)
    if name == "getpid":
        return frame.f_code.co_name == "<module>" and frame.f_globals.get("__name__") in world.KEEPS_ITS_NUMBER
    for _ in range(4):
        if frame is None:
            return False
        if frame.f_code.co_filename.endswith(os.path.join("_pytest", "config", "argparsing.py")):
            return name == "get_terminal_size"
        frame = frame.f_back
    return False
