"""Stands for the functions of `os` in a trial, to see which path each is asked for, and by whom.

They are objects, not functions: who keeps one in a class calls it as the original. See docs/design/latency.md.
"""

from __future__ import annotations

import os
import posix  # type: ignore[import-not-found,unused-ignore]
import sys
import time
from types import BuiltinFunctionType
from typing import Any

from rpytest_zygote import thaw, world
from rpytest_zygote.reads import (
    ANYTHING,
    DISTRIBUTIONS,
    IN_ANY_ORDER,
    SAME,
    SEPARATOR,
    TEST_DIRECTORIES,
    is_directory,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

    from rpytest_zygote.witness import Witness

_KINDS = {
    "exists",
    "isdir",
    "isfile",
    "islink",
    "is_dir",
    "is_file",
    "is_symlink",
    "lexists",
    "realpath",
    "_joinrealpath",
    "resolve",
}
"""Functions of `os.path` and `pathlib` that look only for what there is."""
_OTHERS = ("_locale", "locale")
_FIXED = {"SC_CLK_TCK", "SC_OPEN_MAX", "SC_IOV_MAX", "SC_PAGESIZE", "SC_PAGE_SIZE"}
_BETWEEN = {"stat", "lstat", "_path_stat"}
_METADATA = os.path.join("importlib", "metadata", "__init__.py")
_OF_MOMENTS = {"strftime": 1, "localtime": 0, "gmtime": 0, "mktime": 0, "ctime": 0, "asctime": 0}
"""Functions of `time` that take a moment, as this argument, or else ask the clock."""
_KEEPS_THE_YEAR = os.path.join("dateutil", "parser", "_parser.py")
_COMPARED = {"f1", "f2"}
"""The paths of which `os.path.samefile` tells whether they are those of one file."""
_ORDERING = tuple(os.path.join("_pytest", name) for name in ("pathlib.py", "python.py"))
"""Where pytest lists directories, and says how it orders what is in them."""
_CONFIG = os.path.join("_pytest", "config", "__init__.py")
_SEEK_CONFTESTS = ("_try_load_conftest", "_set_initial_conftests")
"""Functions of pytest's, of which this is all that they list."""
_FROZEN = ("<frozen importlib", "<frozen zipimport")
"""These look at a directory to see that it is one, or when what they have listed has changed."""
_STATS = ("stat", "lstat")
_SILENT = ("access", "lstat", "readlink", "stat")
"""What looks at files, and no audit hook hears of it."""
_OURS = __name__.partition(".")[0]
_SETS = (os.supports_dir_fd, os.supports_effective_ids, os.supports_fd, os.supports_follow_symlinks)


def install(witness: Witness) -> None:
    """Put them there for good."""
    holders: list[Any] = [posix, os, time, *filter(None, map(sys.modules.get, _OTHERS))]
    accessor = getattr(sys.modules.get("pathlib"), "_NormalAccessor", None)  # up to Python 3.10
    if accessor is not None:
        holders.append(accessor)
    globber = getattr(sys.modules.get("glob"), "_StringGlobber", None)  # from Python 3.13 on
    if globber is not None:
        holders.append(globber)
    silent = [getattr(posix, name) for name in _SILENT]
    keep = thaw.referrers(silent)
    replaced: list[Any] = [silent, *_SETS]
    for holder in holders:
        for name, value in list(vars(holder).items()):
            original = value.__func__ if isinstance(value, staticmethod) else value
            if isinstance(original, BuiltinFunctionType) and not world.is_harmless(*world.name(original)):
                setattr(holder, name, _Standing(original, witness))
                replaced.append(value)
    for each in keep:
        if not any(each is known for known in replaced):
            _stand_in(each, silent, witness)


def _stand_in(keeper: Any, originals: list[Any], witness: Witness) -> None:
    """Stand for those of the originals that this has had since an earlier way, if it is the namespace of a module: of a
    call by C code nobody would hear."""
    name = keeper.get("__name__") if type(keeper) is dict else None
    module = sys.modules.get(name) if type(name) is str else None
    if type(module) is type(sys) and vars(module) is keeper:
        for name, value in list(keeper.items()):
            if any(value is original for original in originals):
                keeper[name] = _Standing(value, witness)
    elif type(keeper) is not dict or (
        any(value is original for value in keeper.values() for original in originals)
        and not (type(name) is str and name.startswith(_OURS))
    ):
        witness.deny("keeps a function that looks at files, of whose calls nobody hears")


class _Standing:
    """Called in place of `original`."""

    def __init__(self, original: Any, witness: Witness) -> None:
        self.__name__ = original.__name__
        self.__module__ = original.__module__
        self._original = original
        self._witness = witness
        self._looks: dict[str, Any] = {
            "listdir": self._list,
            "scandir": self._list,
            "readlink": self._link,
            "access": self._access,
        }
        for group in _SETS:
            if original in group:
                group.add(self)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        frame = sys._getframe(1)
        name = self.__name__
        if self._witness.is_blind or frame.f_code.co_filename.startswith(world.OURS):
            return self._original(*arguments, **keywords)
        if name in ("uname", "cpu_count"):
            self._witness.reads.note("ask", name)
        elif name == "localtime" and frame.f_code.co_filename.endswith(_KEEPS_THE_YEAR) and not arguments:
            pass  # it holds until the date changes
        elif name in _STATS:
            self._stat(frame, *arguments, **keywords)
        elif name in self._looks:
            self._looks[name](frame, *arguments, **keywords)
        elif not self._is_seen_elsewhere(arguments, keywords):
            self._witness.judge(self._original, frame)
        return self._original(*arguments, **keywords)

    def _is_seen_elsewhere(self, arguments: Any, keywords: Any) -> bool:
        """By the audit hook; or it is the same on this machine for each process, or follows from the time zone."""
        name = self.__name__
        if name == "tzset":
            return True
        if "dir_fd" in keywords or not arguments:
            return False
        if name in _OF_MOMENTS:
            return arguments[_OF_MOMENTS[name] :] not in ((), (None,))
        if name == "setlocale":
            return arguments[1:] in ((), (None,))
        first = arguments[0]
        if name == "mkdir" and is_directory(first):
            self._witness.note("kind", self._path(first))
            return True
        return name == "open" or (name == "sysconf" and first in _FIXED)

    def _path(self, path: Any) -> str:
        if isinstance(path, int):
            self._witness.deny(f"asks {self.__name__} of an open file")
        return os.path.join(os.getcwd(), os.fsdecode(path))

    def _stat(self, frame: FrameType, path: Any, *, dir_fd: Any = None, follow_symlinks: bool = True) -> None:
        if dir_fd is not None:
            self._witness.deny("looks at a path in an open directory")
        text, link = self._path(path), "" if follow_symlinks and self.__name__ == "stat" else "l"
        asker = _asker(frame)
        file, name = asker.f_code.co_filename, asker.f_code.co_name
        if name == "getatime":
            self._witness.deny(f"asks when {text} was read, which nobody compares")
        if file.startswith("<frozen importlib") and name == "find_spec":
            return  # the time of its listing: it is told which name it looks for
        standard = world.is_standard(file)
        if standard and name == "samefile" and _COMPARED.issubset(asker.f_locals):
            self._witness.note(SAME, SEPARATOR.join(self._path(asker.f_locals[each]) for each in sorted(_COMPARED)))
            return
        of_kind = standard and (name in _KINDS or name == "_path_is_mode_type")
        of_listing = (file.startswith(_FROZEN) or file.endswith(_METADATA)) and not link and is_directory(text)
        if of_kind or (standard and of_listing):
            self._witness.note(f"{link}kind", text)
        elif link or not self._witness.note_loaded(text, frame):
            self._witness.note(f"{link}stat", text)

    def _list(self, frame: FrameType, path: Any = ".") -> None:
        file, text = frame.f_code.co_filename, self._path("." if path is None else path)
        if file.startswith("<frozen importlib"):
            return
        if world.is_standard(file) and file.endswith(_METADATA):
            what = DISTRIBUTIONS
        elif _is_for_conftests(frame):
            what = TEST_DIRECTORIES
        else:
            what = IN_ANY_ORDER if _is_sorted(frame) else ANYTHING
        self._witness.reads.note_name(text, what)

    def _link(self, frame: FrameType, path: Any) -> None:
        self._witness.note("link", self._path(path))

    def _access(self, frame: FrameType, path: Any, mode: int) -> None:
        self._witness.note(f"access{mode}", self._path(path))


def behind(value: Any) -> Any:
    """The function that this stands for, or the value itself."""
    return value._original if type(value) is _Standing else value


CALL = _Standing.__call__.__code__
"""What stands between a function and who calls it."""


def _is_sorted(frame: FrameType) -> bool:
    """Whether who lists a directory is pytest, which puts the entries in order by their names."""
    if frame.f_code.co_name != "scandir" or not frame.f_code.co_filename.endswith(_ORDERING):
        return False
    key = frame.f_locals.get("sort_key")  # pytest 7 asks for none
    code = getattr(key, "__code__", None)
    return key is None or (code is not None and code.co_filename.endswith(_ORDERING))


def _is_for_conftests(frame: FrameType | None) -> bool:
    """Whether who lists a directory is pytest, for directories that may have conftest files."""
    while frame is not None and (world.is_standard(frame.f_code.co_filename) or frame.f_code.co_name == "<genexpr>"):
        frame = frame.f_back
    code = frame and frame.f_code
    return code is not None and code.co_name in _SEEK_CONFTESTS and code.co_filename.endswith(_CONFIG)


def _asker(frame: FrameType) -> FrameType:
    """Who asked, behind the methods that only pass a question on."""
    while frame.f_code.co_name in _BETWEEN and world.is_standard(frame.f_code.co_filename) and frame.f_back is not None:
        frame = frame.f_back
    return frame
