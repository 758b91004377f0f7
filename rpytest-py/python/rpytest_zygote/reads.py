"""What of the file system was looked at, and what was found there: to be compared with what is there now.

Each look is compared by what it can have told: a file that was only asked for its kind may change its content, a
directory in which the import system looked for one module may gain others. See docs/design/latency.md.
"""

from __future__ import annotations

import os
import stat
import time
from json import dumps, loads
from typing import Any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_STAMP = 20_000_000
"""Nanoseconds: how coarse time stamps are where environments live."""
_DIRECTORY, _OTHER, _LINK = "/", "//", "/@"
_IN_MOTION = "in motion"
"""Of a file that may have changed since it was opened, as far as its times tell: its content counts."""
_DAY, _HALF_HOUR, _SHIFT = 86_400, 1_800, 7_200
_LARGEST = 1 << 20
"""Bytes."""
_CODE = (".py", ".pyc", ".so")
_CHANGES = (-2, -1)
"""Where the times are in what `_describe` returns."""
ANYTHING = "*"
"""Among the names looked for in a directory: all of its entries were listed."""
IN_ANY_ORDER = "**"
"""The same, by somebody to whom the order in which the file system has them makes no difference."""
BEGINNING = "beginning "
"""How a file is looked at of which so many bytes count, that follow."""
LOADED = "source"
"""How a loader looks at a file to execute what is in it."""
SAME, SEPARATOR = "same", "\0"
"""How two paths are looked at to see whether they are those of one file, and what is between them."""
TEST_DIRECTORIES = "test*/"
"""Among the names: directories of such names were listed."""
DISTRIBUTIONS = ".dist-info"
"""Among the names: installed distributions were looked for."""

# A trial replaces them.
_stat, _lstat, _readlink, _access, _listdir, _scandir = (
    os.stat,
    os.lstat,
    os.readlink,
    os.access,
    os.listdir,
    os.scandir,
)
_uname, _cpu_count, _now = os.uname, os.cpu_count, time.time
_ASKED: dict[str, Callable[[], Any]] = {
    "uname": lambda: list(_uname()),
    "cpu_count": _cpu_count,
}


class Reads:
    """Looks at paths, by how they were looked at, and names looked for in directories, by directory."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], Any] = {}
        self._names: dict[str, set[str]] = {}
        self._listings: dict[str, tuple[Any, list[str]]] = {}
        self.loaded: dict[str, str] = {}
        """The source files for whose sake loaders have looked at files, by these."""
        self.texts: dict[str, str] = {}
        """Of these source files, bytes as characters."""

    def note(self, how: str, path: str) -> None:
        """Something looks there now."""
        if (how, path) not in self._answers:
            self._answers[(how, path)] = _look(how, path)

    def note_opened(self, path: str) -> None:
        """Something opens this file to read it."""
        self.note("open", path)
        if not path.endswith(_CODE):
            self.note("content", path)

    def note_loaded(self, path: str, source: str) -> None:
        """A loader looks at this file to execute the module whose source that is."""
        self.note(LOADED, path)
        self.loaded[path] = source
        text = content(source) if source not in self.texts else None
        if text is not None:
            self.texts[source] = text

    def edited(self) -> list[str]:
        """Source files that are not as a loader found them, or whose bytecode is not."""
        looks = ((path, self._answers[(LOADED, path)]) for path in self.loaded)
        return sorted({self.loaded[path] for path, answer in looks if _look(LOADED, path) != answer})

    def has(self, how: str, path: str) -> bool:
        """Whether something has looked there so."""
        return (how, path) in self._answers

    def is_as_opened(self, path: str) -> bool:
        """Whether this file has been opened, and is the same."""
        looks = [how for how in ("open", LOADED) if (how, path) in self._answers]
        return bool(looks) and all(self._is_same(how, path, self._answers[(how, path)]) for how in looks)

    def _is_same(self, how: str, path: str, answer: Any) -> bool:
        """Whether the same is found; a small file may have been written again with the same content."""
        if _look(how, path) == answer:
            return True
        content = self._answers.get(("content", path)) if how == "open" else None
        return content is not None and bool(_look("content", path) == content)

    def note_day(self) -> None:
        """What follows from the date may be asked for unseen: this holds until the date changes, here or in UTC."""
        now = _now()
        here = time.localtime(now)
        passed = here.tm_hour * 60 * 60 + here.tm_min * 60 + here.tm_sec
        # Not by `mktime`, which would have the C library look at `TZ` again. A day may be shorter than others.
        ends = (int(now) - passed + _DAY + shift for shift in range(-_SHIFT, _SHIFT + 1, _HALF_HOUR))
        midnight = next(end for end in ends if end > now and time.localtime(end).tm_mday != here.tm_mday)
        self.note("until", str(min(midnight, now - now % _DAY + _DAY)))

    def note_name(self, directory: str, name: str) -> None:
        """Something looks for entries of this name, whatever their endings."""
        self._names.setdefault(directory, set()).add(name)

    def settle(self) -> None:
        """No more is looked at: take down what is in the directories."""
        found = self._names
        while found:
            inner: dict[str, set[str]] = {}
            for directory, names in found.items():
                described = _look("stat", directory)
                matches = _matches(directory, names)
                leads_elsewhere = any(match.endswith((_LINK, _OTHER)) for match in matches)
                self._listings[directory] = (None if leads_elsewhere else described, matches)
                for name in names:
                    path = os.path.join(directory, name)
                    if (
                        not {name + _DIRECTORY, name + _DIRECTORY + _LINK}.isdisjoint(matches)
                        and path not in self._names
                    ):
                        inner.setdefault(path, set()).add("__init__")
            self._names = {**self._names, **inner}
            found = inner

    def changed_since(self, time: int) -> str | None:
        """The first path that may have changed since then, or has since it was looked at.

        What was listed is listed again if it may.
        """
        for directory, (described, matches) in self._listings.items():
            if not _is_settled(described, time):
                self._listings[directory] = (None, matches)
        for how, path in list(self._answers):
            if how == "content" and not _is_settled(self._answers[("open", path)], time):
                self._answers[("open", path)] = _IN_MOTION
        unsettled = (path for (_, path), answer in self._answers.items() if not _is_settled(answer, time))
        return next(unsettled, None) or self.difference()

    def difference(self, may_be: Callable[[str], bool] | None = None) -> str | None:
        """The first path at which something else is found now.

        `may_be` is asked for a source file that only its loader has looked at whether it may be another one.
        """
        for (how, path), answer in self._answers.items():
            if how == "content" or self._is_same(how, path, answer):
                continue
            if how != LOADED:
                return path.partition(SEPARATOR)[0]
            if may_be is None or not may_be(self.loaded[path]):
                return self.loaded[path]
        for directory, (described, matches) in self._listings.items():
            if described is not None and _look("stat", directory) == described:
                continue
            if _matches(directory, self._names[directory]) != matches:
                return directory
        return None

    def exactly(self) -> dict[str, Any]:
        """Everything about all these files, and which directories these are: more than a look may have told."""
        # Their content is compared, by `difference`.
        again = {path for how, path in self._answers if how == "content" or how.startswith(BEGINNING)}
        paths = {path for how, path in self._answers if how not in ("ask", "until", SAME)} - again | set(self._listings)
        return {path: [_whole(f"{link}stat", path) for link in ("", "l")] for path in sorted(paths)}

    def encode(self) -> bytes:
        """As bytes, for another process."""
        listings = [[path, sorted(self._names[path]), *seen] for path, seen in self._listings.items()]
        answers = [[*key, answer] for key, answer in self._answers.items()]
        return dumps([answers, listings, self.loaded, self.texts]).encode()

    @classmethod
    def decode(cls, text: bytes) -> Reads:
        """What another process has encoded."""
        reads = cls()
        answers, listings, reads.loaded, reads.texts = loads(text)
        reads._answers = {(how, path): answer for how, path, answer in answers}
        reads._names = {path: set(names) for path, names, _, _ in listings}
        reads._listings = {path: (described, matches) for path, _, described, matches in listings}
        return reads


def _whole(how: str, path: str) -> Any:
    """A description; that of a directory only says which it is."""
    found = _look(how, path)
    return found[:3] if isinstance(found, list) and stat.S_ISDIR(found[0]) else found


def content(path: str) -> str | None:
    """That of a small file, bytes as characters; None for others."""
    try:
        if is_special(path):
            return None
        with open(path, "rb") as file:
            found = file.read(_LARGEST + 1)
    except OSError:
        return None
    return found.decode("latin-1") if len(found) <= _LARGEST else None


def beginning(path: str, length: int) -> str | None:
    """So many bytes of a file, as characters."""
    if is_special(path):
        return None
    with open(path, "rb") as file:
        return file.read(length).decode("latin-1")


def is_directory(path: str) -> bool:
    """As `os.path.isdir`, which a trial watches."""
    return bool(_look("kind", path) == stat.S_IFDIR)


def is_special(path: str) -> bool:
    """Whether there is something that is neither a file nor a directory: to open a pipe takes from what is in it."""
    return _look("kind", path) in (stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFCHR, stat.S_IFBLK)


def entries(directory: str) -> list[str]:
    """As `os.listdir`, which a trial watches."""
    return _listdir(directory)


def _look(how: str, path: str) -> Any:
    """What is found: a list for a description, an error's number where there is none."""
    try:
        if how == "content":
            return content(path)
        if how.startswith(BEGINNING):
            return beginning(path, int(how[len(BEGINNING) :]))
        if how == SAME:
            one, other = map(_stat, path.split(SEPARATOR))
            return (one.st_ino, one.st_dev) == (other.st_ino, other.st_dev)
        if how == "ask":
            return _ASKED[path]()
        if how == "until":
            return _now() < float(path)
        if how == "link":
            return _readlink(path)
        if how.startswith("access"):
            return _access(path, int(how[len("access") :]))
        found = _lstat(path) if how.startswith("l") else _stat(path)
    except (OSError, ValueError) as error:
        return getattr(error, "errno", 0)
    return stat.S_IFMT(found.st_mode) if how.endswith("kind") else _describe(found)


def _describe(found: os.stat_result) -> list[int]:
    return [found.st_mode, found.st_ino, found.st_dev, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def _is_settled(answer: Any, time: int) -> bool:
    if not isinstance(answer, list) or isinstance(answer[-1], str):
        return True
    return all(answer[change] + _STAMP < time for change in _CHANGES)


def _matches(directory: str, names: set[str]) -> list[str]:
    """The entries that are meant, those of directories marked as such, and those of neither files nor directories.

    First come those that were listed in the order that the file system has.
    """
    listed, others = [], []
    try:
        with _scandir(directory) as entries:
            for entry in entries:
                if ANYTHING in names or (TEST_DIRECTORIES in names and _is_for_tests(entry)):
                    listed.append(_marked(entry))
                elif IN_ANY_ORDER in names or _is_meant(entry.name, names):
                    others.append(_marked(entry))
    except OSError:
        return []
    return listed + sorted(others)


def _is_for_tests(entry: os.DirEntry[str]) -> bool:
    return entry.name.startswith("test") and entry.is_dir()


def _marked(entry: os.DirEntry[str]) -> str:
    kind = _DIRECTORY if entry.is_dir() else "" if entry.is_file() else _OTHER
    return entry.name + kind + (_LINK if entry.is_symlink() else "")


def _is_meant(entry: str, names: set[str]) -> bool:
    """Whether the import system or `importlib.metadata` would take the entry for what it looked for."""
    if entry.partition(".")[0] in names:
        return True
    low = entry.lower()
    return DISTRIBUTIONS in names and (low.endswith((".dist-info", ".egg-info")) or low == "egg-info")
