"""Of a run, what decides whether it goes the same way as an earlier one. See docs/design/latency.md."""

from __future__ import annotations

import fcntl
import os
import select
import stat
import sys
from typing import Any

# A program may replace them, and would see our calls.
_stat, _fstat = os.stat, os.fstat
_STANDARD_STREAMS = (0, 1, 2)
_OF_DESCRIPTORS = "RLIMIT_NOFILE"
_ENOUGH = 512
"""Descriptors: ours have numbers below."""
_FURTHEST = {"off": 0, "third-party": 1, "all": 3}
"""By the user's choice: of how many stages of `going` a run may begin behind."""
_OURS = {4, 6, 7, 8, 11, 14}
"""SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV: faulthandler's; SIGALRM, which ends a way that is too long."""


class Request:
    """A run as it was asked for; `descriptors` are what its command has passed on."""

    def __init__(self, head: dict[str, Any], body: bytes, descriptors: list[int]) -> None:
        texts = body.split(b"\0")
        self.arguments = texts[: head["arguments"]]
        self.blocked = _blocked(self.arguments)
        self.variables = texts[head["arguments"] : head["arguments"] + head["variables"]]
        self.keeps_environment = bool(head["keep_environment"])
        self.turbo: dict[str, Any] | None = head["turbo"]
        self.furthest = _FURTHEST[head["shelf"]]
        self.limit = "`shelf` says so"
        """Why it begins behind no more than these."""
        self.ignored = set(head["ignored"])
        found = [(soft, hard) for name, soft, hard in head["limits"] if name == _OF_DESCRIPTORS]
        self.descriptor_limit = found[0] if found else (0, 0)
        self.preload: list[str] = head["preload"]
        lesson, passed = head["lesson"], descriptors[2:]
        order = dict(zip(head["descriptors"], passed))
        # A plugin of ours in the run would be seen on the way.
        self.is_common = (
            not head["events"]
            and (lesson is None or lesson["collect"] is None)
            and len(passed) == len(order)
            and order.keys() >= set(_STANDARD_STREAMS)
            and self.descriptor_limit[0] >= _ENOUGH
            and _OURS.isdisjoint(head["ignored"])
            and not (sys.platform == "linux" and head["affinity"] != sorted(os.sched_getaffinity(0)))
        )
        kinds = [kind(order[number], number) for number in _STANDARD_STREAMS] if self.is_common else [None]
        self.is_common = None not in kinds
        self.streams: list[list[Any]] = [each for each in kinds if each is not None]
        self.others = sorted(order.keys() - set(_STANDARD_STREAMS))
        """The numbers of other descriptors that its command has passed on."""

    def looks_like(self, other: Request) -> bool:
        """Whether it has the same arguments, and descriptors of the same kinds."""
        return self._likeness() == other._likeness()

    def _likeness(self) -> tuple[Any, ...]:
        return self.arguments, self.turbo is not None, self.streams, self.others, self.ignored, self.descriptor_limit

    def environment(self) -> dict[bytes, bytes]:
        """By name."""
        return dict(text.split(b"=", 1) for text in self.variables if b"=" in text)


def _blocked(arguments: list[bytes]) -> list[str]:
    """The `no:NAME` by which builtin plugins are left out, as `PytestPluginManager.consider_preparse` finds them.

    As they are: only since pytest 7.3 it ignores white space around them.
    """
    found, rest = [], iter(map(os.fsdecode, arguments))
    for argument in rest:
        if argument.startswith("-p"):
            name = argument[2:] or next(rest, "")
            found += [name] if name.strip().startswith("no:") else []
    return found


def kind(descriptor: int, number: int) -> list[Any] | None:
    """What a program can learn of a standard stream without reading from it; None: what no other can stand in for."""
    found = _fstat(descriptor)
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    if number and (flags & os.O_NONBLOCK or _is_broken(descriptor)):
        return None  # what is written for it on the way may not be writable at once
    access = flags & os.O_ACCMODE
    if stat.S_ISFIFO(found.st_mode):
        return ["pipe"] if access == (os.O_WRONLY if number else os.O_RDONLY) else None
    if stat.S_ISSOCK(found.st_mode):
        return ["socket"]
    if stat.S_ISREG(found.st_mode):
        is_plain = os.lseek(descriptor, 0, os.SEEK_CUR) == 0 and found.st_blksize == os.sysconf("SC_PAGESIZE")
        return ["file", access] if is_plain else None
    if not stat.S_ISCHR(found.st_mode):
        return None
    if os.isatty(descriptor):
        return ["terminal", access, *os.get_terminal_size(descriptor)]
    null = _stat(os.devnull)
    same = (found.st_dev, found.st_ino, found.st_rdev) == (null.st_dev, null.st_ino, null.st_rdev)
    return ["null", access] if same else None


def _is_broken(descriptor: int) -> bool:
    """Whether nobody reads any more what is written to it."""
    poll = select.poll()
    poll.register(descriptor, 0)
    return bool(poll.poll(0))
