"""Frames between processes: two lengths, a JSON head and a raw body. Mirrors `rpytest-ipc/src/frame.rs`.

See docs/design/handshake.md.
"""

from __future__ import annotations

import _socket
import os
import sys
from json import dumps, loads
from typing import Any

_LENGTH = 4
_PREFIX = 2 * _LENGTH
_MOST_DESCRIPTORS = 253  # SCM_MAX_FD of Linux
_SIZE_OF_INT = 4
_LONGEST = (1 << 20, 16 << 20)
"""Of a head and of a body, in bytes."""
# Where there are no such flags, the other end has set the socket so, or each descriptor is set so when it has come.
_CLOSE_ON_EXEC: int = getattr(_socket, "MSG_CMSG_CLOEXEC", 0)
SEND: int = _socket.MSG_DONTWAIT | getattr(_socket, "MSG_NOSIGNAL", 0)
"""For a message that must not hold up its sender, nor kill it."""


class Closed(Exception):
    """The peer is gone, or off the protocol: there is no more to be heard from it."""


def encode(head: dict[str, Any], body: bytes = b"") -> bytes:
    """One frame as bytes."""
    text = dumps(head).encode()
    return len(text).to_bytes(_LENGTH, "big") + len(body).to_bytes(_LENGTH, "big") + text + body


def send_with(socket: _socket.socket, message: bytes, descriptors: list[int]) -> None:
    """Send a frame and the descriptors that belong to it."""
    content = b"".join(descriptor.to_bytes(_SIZE_OF_INT, sys.byteorder) for descriptor in descriptors)
    sent = socket.sendmsg([message], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, content)])
    socket.sendall(message[sent:])


class Receiver:
    """Collects frames, and the descriptors that come with them, from a socket."""

    def __init__(self, socket: _socket.socket) -> None:
        self._socket = socket
        self._buffer = b""
        self.descriptors: list[int] = []

    def receive(self) -> tuple[dict[str, Any], bytes]:
        """Wait for a whole frame."""
        while True:
            frame = self._take()
            if frame is not None:
                return frame
            self._fill(0)

    def pending(self) -> list[tuple[dict[str, Any], bytes]]:
        """The frames that are there now, without waiting."""
        self._fill(_socket.MSG_DONTWAIT)
        frames = []
        frame = self._take()
        while frame is not None:
            frames.append(frame)
            frame = self._take()
        return frames

    def _fill(self, flags: int) -> None:
        space = _socket.CMSG_SPACE(_MOST_DESCRIPTORS * _SIZE_OF_INT)
        try:
            data, ancillary, _, _ = self._socket.recvmsg(1 << 16, space, flags | _CLOSE_ON_EXEC)
        except BlockingIOError:
            return
        except OSError as error:
            raise Closed from error
        for level, kind, content in ancillary:
            if (level, kind) == (_socket.SOL_SOCKET, _socket.SCM_RIGHTS):
                received = memoryview(content).cast("i").tolist()
                for descriptor in () if _CLOSE_ON_EXEC else received:
                    os.set_inheritable(descriptor, False)
                self.descriptors += received
        if not data:
            raise Closed
        self._buffer += data

    def _take(self) -> tuple[dict[str, Any], bytes] | None:
        buffer = self._buffer
        if len(buffer) < _PREFIX:
            return None
        lengths = int.from_bytes(buffer[:_LENGTH], "big"), int.from_bytes(buffer[_LENGTH:_PREFIX], "big")
        if lengths[0] > _LONGEST[0] or lengths[1] > _LONGEST[1]:
            raise Closed
        head = _PREFIX + lengths[0]
        end = head + lengths[1]
        if len(buffer) < end:
            return None
        self._buffer = buffer[end:]
        try:
            message = loads(buffer[_PREFIX:head])
        except (ValueError, RecursionError) as error:
            raise Closed from error
        return message, buffer[head:end]
