"""Paths, and what is there, as an inventory keeps it: see `Origin` of the crate rpytest-inventory."""

from __future__ import annotations

import os
import stat
import sys

_OUTSIDE = ("/proc/", "/sys/", "/dev/pts/", "/dev/fd/", "/dev/tty", "/dev/std", "/dev/null")
ALL_COUNT = "/"
"""Among the names in a directory: those that runs make count too."""
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


def entries(directory: str) -> list[str]:
    """The names in a directory, with what they stand for: see `Origin::of_names`."""
    with os.scandir(directory) as found:
        return [entry.name + _kind_of(entry) for entry in found]


def _kind_of(entry: os.DirEntry[str]) -> str:
    if not entry.is_symlink():
        return "/" if entry.is_dir() else ""
    # Not by the entry, which raises an exception where a link leads to itself.
    return "/@/" if os.path.isdir(entry.path) else "/@-" if os.path.exists(entry.path) else "/@"


def directories_in(names: list[str]) -> list[str]:
    """Those of such names, by themselves, that are of directories, or of links to some."""
    return [name.partition("/")[0] for name in names if name.endswith("/") and name != ALL_COUNT]


def kind(path: str) -> str:
    """What is there, see `Origin::of_kind`."""
    try:
        link = os.readlink(path)
    except OSError:
        return _kind_behind(path)
    return f"l{link}\0{_kind_behind(path)}"


def _kind_behind(path: str) -> str:
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return "-"
    return "d" if stat.S_ISDIR(mode) else "f" if stat.S_ISREG(mode) else "o"


def source_of(bytecode: str) -> str:
    """Of what Python or pytest has compiled, whose names have more behind the tag; itself where there is no tag."""
    directory, base = os.path.split(bytecode)
    stem, tag, _ = base.rpartition(f".{sys.implementation.cache_tag}")
    prefix = sys.pycache_prefix
    if prefix and directory.startswith(prefix + os.sep):
        directory = directory[len(prefix) :]
    else:
        directory = os.path.dirname(directory)
    return os.path.join(directory, stem + ".py") if tag else bytecode


def is_kept(path: str) -> bool:
    """Whether something is there that stays as it is until somebody writes it."""
    return not path.startswith(_OUTSIDE)


def is_installed(file: str) -> bool:
    return any(directory in file for directory in _INSTALLED)
