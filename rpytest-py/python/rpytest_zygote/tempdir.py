"""Finds the temporary directory on the way, as `tempfile` does, by files that have no name: nobody sees them.

See docs/design/latency.md.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import Any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_MODULE, _NAME = "tempfile", "_get_default_tempdir"
_TEXT = b"blat"
"""What `tempfile` writes."""
_UNKNOWN = (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL)
"""Errors where there are no files without a name."""
_ITS_OWN = 2
"""References to what stands in, where nobody else has one: that of who counts, and that of the list."""

# A program may replace them.
_open, _write, _close, _exit = os.open, os.write, os.close, os._exit


class _Finding:
    """Called in place of `tempfile._get_default_tempdir`."""

    def __init__(self, original: Any) -> None:
        self.original = original
        self.note: Callable[[str], None] = lambda _: None
        """Called with each directory that is tried."""

    def __call__(self) -> str:
        tempfile: Any = sys.modules[_MODULE]
        for candidate in tempfile._candidate_tempdir_list():
            directory = candidate if candidate == os.curdir else os.path.abspath(candidate)
            self.note(os.path.abspath(directory))
            if _is_writable(directory):
                return str(directory)
        return str(self.original())  # it says that there is none


_finding: list[_Finding] = []


def install() -> None:
    """From here on, until `restore`."""
    tempfile: Any = sys.modules.get(_MODULE)
    if tempfile is not None:
        _finding.append(_Finding(getattr(tempfile, _NAME)))
        setattr(tempfile, _NAME, _finding[0])


def tell(note: Callable[[str], None]) -> None:
    """Have it called with each directory that is tried."""
    for finding in _finding:
        finding.note = note


def restore() -> str | None:
    """As it was; why not, if somebody else has taken what stood in, or has put something in its place."""
    if not _finding:
        return None
    tempfile: Any = sys.modules.get(_MODULE)
    if vars(tempfile or sys).get(_NAME) is not _finding[0]:
        return "replaces a function of tempfile"
    setattr(tempfile, _NAME, _finding[0].original)
    if sys.getrefcount(_finding[0]) > _ITS_OWN:
        return "keeps a function of tempfile"
    _finding.clear()
    return None


def _is_writable(directory: str) -> bool:
    try:
        descriptor = _open(directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno in _UNKNOWN:
            _exit(0)
        return False
    try:
        return _write(descriptor, _TEXT) == len(_TEXT)
    except OSError:
        return False
    finally:
        _close(descriptor)
