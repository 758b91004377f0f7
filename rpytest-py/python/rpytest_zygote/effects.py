"""What a call or an audit event does to anything but the memory of this process, and who may do it all the same.

See docs/design/latency.md.
"""

from __future__ import annotations

import _random
import os
import sys
from typing import Any

from rpytest_zygote import world
from rpytest_zygote.reads import is_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

LISTINGS = ("os.listdir", "os.scandir")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def reaches_outside(event: str, arguments: tuple[Any, ...], frame: FrameType) -> str | None:
    """What an audit event says that is about to be done to anything but this process; None: nothing."""
    if event in LISTINGS or event == "import":
        return None
    if event == "open":
        path, _, flags = arguments
        if isinstance(path, int) or path == os.devnull or not (flags or 0) & _WRITING or is_temporary(frame):
            return None
        return f"writes {os.fsdecode(path)}"
    if event == "os.mkdir" and is_directory(arguments[0]):
        return None
    if event == "ctypes.dlopen" and arguments[0] is None and frame.f_code.co_filename == world.CTYPES:
        return None
    return f"does {event}"


def is_excused(module: str, name: str, frame: FrameType) -> bool:
    """Whether it is known what comes of a call from there."""
    file = frame.f_code.co_filename
    if name == "register_at_fork":
        return file.endswith(world.FORK_HANDLERS) and world.is_standard(file)
    if name == "getpid" and frame.f_code.co_name == "<module>":
        return frame.f_globals.get("__name__") in world.KEEPS_ITS_NUMBER
    if (
        name == "time"
        and frame.f_code.co_name == "<module>"
        and frame.f_globals.get("__name__") in world.KEEPS_ITS_MOMENT
    ):
        return True
    if name in world.CLOCKS_OF_PYTEST:
        caller = _caller(frame, (world.TIMING, "<string>"))
        return caller.endswith(world.KEEPERS_OF_TIME) or caller.startswith(world.OURS)
    if name in world.DICE:
        return _caller(frame, (world.RANDOM,)) == world.TEMPORARY
    if name == "urandom":
        caller = _caller(frame, world.BETWEEN_DICE)
        return caller.endswith(world.DRAWS_AT_IMPORT) or caller.startswith(world.OURS)
    if frame.f_globals.get("__name__") == "ctypes":
        return module == "_ctypes"
    return file.endswith(world.EXCUSED.get(name, ()))


def _caller(frame: FrameType | None, between: tuple[str, ...]) -> str:
    """The file of the function that asks, behind those of these files."""
    asker = _asker(frame, between)
    return "" if asker is None else asker.f_code.co_filename


def _asker(frame: FrameType | None, between: tuple[str, ...]) -> FrameType | None:
    while frame is not None and frame.f_code.co_filename.endswith(between):
        frame = frame.f_back
    return frame


def opens_descriptors(frame: FrameType) -> bool:
    """Whether this is code that opens descriptors which it has made: pytest's capture, `tempfile`."""
    return frame.f_code.co_filename == world.TEMPORARY or frame.f_code.co_filename.endswith(world.CAPTURE)


def is_temporary(frame: FrameType) -> bool:
    """Whether `tempfile` opens a file without a name."""
    return frame.f_code.co_filename == world.TEMPORARY and frame.f_code.co_name in world.NAMELESS


def seeds(owner: Any, frame: FrameType) -> bool:
    """Whether a generator of the program's own is seeded with what the program gives."""
    is_own = issubclass(type(owner), _random.Random) and owner is not getattr(sys.modules["random"], "_inst", None)
    if not is_own or frame.f_code.co_filename != world.RANDOM:
        return False
    is_renewed = _module(frame) in world.KEEPS_ITS_DICE or _caller(frame, (world.RANDOM,)).startswith(world.OURS)
    return is_renewed or frame.f_locals.get("a") is not None


def _module(frame: FrameType) -> str:
    """The name of the module whose body asks `random` for something."""
    asker = _asker(frame, (world.RANDOM,))
    return "" if asker is None or asker.f_code.co_name != "<module>" else str(asker.f_globals.get("__name__"))
