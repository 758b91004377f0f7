"""Stand in for the standard streams of a run that has not been asked for yet, and become its own.

What is written to them meanwhile is kept, and written when they do. See docs/design/latency.md.
"""

from __future__ import annotations

import _socket
import fcntl
import os
import stat
import struct
import sys
from contextlib import suppress
from typing import Any

# A program may replace them, and would see our calls.
_fstat, _listdir = os.fstat, os.listdir
_ABOVE = 200
"""Descriptors of ours are out of the way of those that a program opens: it sees their numbers."""
_CAPACITY = 1 << 20
_NULL = os.devnull
# Of `asm-generic/ioctls.h` and `termbits.h`: who imports `termios` shows that it is imported.
_TCGETS, _TCSETS, _TIOCSWINSZ = 0x5401, 0x5402, 0x5414
_FIONREAD = 0x541B
_SIZE_OF_INT = 4
_INPUT = b"\n\x04"
"""To a terminal: a line, and the end."""
_MODES = 36
_OUTPUT_MODES = 4 if sys.byteorder == "little" else 7
_SIZE = "HHHH"
OURS: set[int] = set()
"""Descriptors that are out of the way."""


def out_of_the_way(descriptor: int) -> int:
    """The same open file at a high number; the given one is closed."""
    high = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _ABOVE)
    os.close(descriptor)
    OURS.add(high)
    return high


class StandIns:
    """Descriptors 0, 1 and 2 of this process, and their copies that code on the way makes.

    Those with other numbers are only there, so that none of these is taken.
    """

    def __init__(self, kinds: list[list[Any]], others: list[int]) -> None:
        self._kinds = kinds
        self._others = others
        self._ends: dict[int, int] = {}
        """By number: the descriptor at which arrives what is written."""
        self._number_of: dict[tuple[int, int], int] = {}
        self._written = {1: b"", 2: b""}
        self._seen = {1: 0, 2: 0}
        """How much of what is in a file that stands in has been drained."""
        self._copies: list[tuple[int, int, bool]] = []
        self._private: list[int] = []
        self.left_open: set[int] = set()
        """What the way has left open."""

    def install(self) -> None:
        """From now on."""
        for number, kind in enumerate(self._kinds):
            descriptor, end = _make(kind, number)
            os.dup2(descriptor, number, inheritable=True)
            os.close(descriptor)
            if end is not None:
                self._ends[number] = out_of_the_way(end)
                found = _fstat(number)
                self._number_of[(found.st_dev, found.st_ino)] = number
        self._offer_input()
        for number in self._others:
            if number in OURS:
                os._exit(0)
            null = os.open(_NULL, os.O_RDONLY)
            if null != number:
                os.dup2(null, number, inheritable=True)
                os.close(null)

    def _offer_input(self) -> None:
        """Let there be something to read, and then an end: it shows whether somebody has."""
        end = self._ends.get(0)
        if end is None:
            return
        os.write(end, _INPUT)
        if self._kinds[0][0] in ("pipe", "socket"):
            OURS.discard(self._ends.pop(0))
            os.close(end)

    def is_input_untouched(self) -> bool:
        """Whether nobody has read from standard input on the way."""
        name = self._kinds[0][0]
        if name == "null":
            return True
        number = next((number for number, stands_for, _ in self._copies if stands_for == 0), None)
        if number is None:
            return False
        if name == "file":
            return os.lseek(number, 0, os.SEEK_CUR) == 0
        waiting = fcntl.ioctl(number, _FIONREAD, bytes(_SIZE_OF_INT))
        return int.from_bytes(waiting, sys.byteorder) > 0

    def drained(self) -> dict[int, bytes]:
        """What has been written since it was asked last; it is there no more."""
        found = {}
        for number in (1, 2):
            if number in self._ends:
                is_file = self._kinds[number][0] == "file"
                found[number] = _drain(self._ends[number], self._seen[number] if is_file else None)
                self._seen[number] += len(found[number])
        return found

    def discard(self) -> None:
        """Of what another process has written with the same streams, there must be no trace."""
        for number, end in self._ends.items():
            if number != 0 and self._kinds[number][0] == "file":
                os.ftruncate(end, self._seen[number])
                for copy, stands_for, _ in self._copies:
                    if stands_for == number:
                        os.lseek(copy, self._seen[number], os.SEEK_SET)
        self.drained()

    def settle(self, written: dict[int, bytes]) -> str | None:
        """The way ends here: look at all that is open. Returns what cannot be shared by the runs that begin here."""
        for number, text in written.items():
            self._written[number] += text
        if all(self._written.values()):
            return "something is written to both standard output and error"
        reason = self.look()
        if reason is None and not self.is_input_untouched():
            return "standard input is read"
        return reason

    def look(self) -> str | None:
        """What is open, for `become` and `make_private`."""
        self._copies, self._private = [], []
        self.left_open.clear()
        for number in map(int, _listdir("/proc/self/fd")):
            try:
                found = _fstat(number)
            except OSError:
                continue  # that of the listing
            if number in OURS or number in self._others:
                continue
            self.left_open.add(number)
            stands_for = self._number_of.get((found.st_dev, found.st_ino))
            if stands_for is not None:
                self._copies.append((number, stands_for, os.get_inheritable(number)))
            elif stat.S_ISREG(found.st_mode) and found.st_nlink == 0:
                self._private.append(number)
            elif not _is_null(found):
                return f"{os.readlink(f'/proc/self/fd/{number}')} stays open"
        return None

    def make_private(self) -> None:
        """What a fork has open and no other process must write to: files without a name."""
        done: dict[int, int] = {}
        for number in self._private:
            found = _fstat(number)
            if found.st_ino not in done:
                done[found.st_ino] = _copy(number)
            os.dup2(done[found.st_ino], number, inheritable=os.get_inheritable(number))
        for copy in done.values():
            os.close(copy)

    def become(self, streams: dict[int, int]) -> None:
        """Be these from now on, by number."""
        for number in self._others:
            os.dup2(streams[number], number, inheritable=True)
        for number, stands_for, inheritable in self._copies:
            os.dup2(streams[stands_for], number, inheritable=inheritable)
        self.make_private()

    def write(self) -> None:
        """What was written on the way. Where that cannot be written, the next that the run writes cannot either."""
        for number, text in self._written.items():
            # Capture may have the number itself.
            copy = next((copy for copy, stands_for, _ in self._copies if stands_for == number), None)
            with suppress(OSError):
                while text and copy is not None:
                    text = text[os.write(copy, text) :]


def _make(kind: list[Any], number: int) -> tuple[int, int | None]:
    """A descriptor of such a kind, and the one at which arrives what is written to it."""
    name, *rest = kind
    if name == "null":
        return os.open(_NULL, rest[0] | os.O_CLOEXEC), None
    if name == "pipe":
        reading, writing = os.pipe()
        fcntl.fcntl(writing, getattr(fcntl, "F_SETPIPE_SZ", 1031), _CAPACITY)
        if number == 0:
            return reading, writing
        os.set_blocking(reading, False)
        return writing, reading
    if name == "socket":
        one, other = (each.detach() for each in _socket.socketpair())
        os.set_blocking(other, False)
        return one, other
    if name == "file":
        file = os.memfd_create("stream")
        again = os.open(f"/proc/self/fd/{file}", rest[0] | os.O_CLOEXEC)
        return again, file
    master, slave = os.openpty()
    modes = bytearray(fcntl.ioctl(slave, _TCGETS, bytes(_MODES)))
    modes[_OUTPUT_MODES] &= ~1  # OPOST: the real one will do that
    fcntl.ioctl(slave, _TCSETS, bytes(modes))
    _access, columns, lines = rest
    fcntl.ioctl(slave, _TIOCSWINSZ, struct.pack(_SIZE, lines, columns, 0, 0))
    os.set_blocking(master, False)
    return slave, master


def _drain(end: int, position: int | None) -> bytes:
    """What is there to read; of a file, behind this position."""
    if position is not None:
        return os.pread(end, _fstat(end).st_size - position, position)
    text = b""
    with suppress(BlockingIOError):
        while True:
            more = os.read(end, 1 << 16)
            if not more:
                break
            text += more
    return text


def _is_null(found: os.stat_result) -> bool:
    return stat.S_ISCHR(found.st_mode) and (os.major(found.st_rdev), os.minor(found.st_rdev)) == (1, 3)


def _copy(number: int) -> int:
    """Another file without a name, with the same content and position."""
    flags = fcntl.fcntl(number, fcntl.F_GETFL)
    directory = os.path.dirname(os.readlink(f"/proc/self/fd/{number}"))
    other = os.open(directory, os.O_TMPFILE | flags & (os.O_ACCMODE | os.O_APPEND) | os.O_CLOEXEC, 0o600)
    position = os.lseek(number, 0, os.SEEK_CUR)
    text = os.pread(number, _fstat(number).st_size, 0)
    while text:
        text = text[os.write(other, text) :]
    os.lseek(other, position, os.SEEK_SET)
    return other
