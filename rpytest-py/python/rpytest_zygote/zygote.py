"""The zygote: waits for runs, forks a session for each, and tells each run's command how its session goes.

Single-threaded, and never runs a test. It speaks with the daemon over its control socket; of each run it holds the
connection to the command itself, so that a run outlives the daemon: when the daemon is gone, the zygote leaves after
its last session. See docs/design/zygote.md.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` would make enums of everything
import _socket
import os
import select
import sys
import time
from contextlib import suppress
from typing import Any

from rpytest_zygote import session, thaw, wire
from rpytest_zygote.facts import facts
from rpytest_zygote.firstrun import FirstRun, Inherited, freeze
from rpytest_zygote.forerunner import Forerunner
from rpytest_zygote.observe import StartUp
from rpytest_zygote.request import Request
from rpytest_zygote.shelf import Shelf
from rpytest_zygote.standins import out_of_the_way
from rpytest_zygote.streams import Streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rpytest_zygote.ahead import GoingAhead
    from rpytest_zygote.ending import Ending
    from rpytest_zygote.further import Repeats
    from rpytest_zygote.going import GoingFurther

_GRACE = 2.0
"""Seconds that a session has to end after its command is gone."""
_HANG_UP = select.POLLHUP | select.POLLERR


class Run:
    """One session that has not been reaped, and the connection to the command that waits for it."""

    def __init__(self, number: int, pid: int, connection: _socket.socket) -> None:
        self.number = number
        self.pid = pid
        self.connection = connection
        self.frames = wire.Receiver(connection)
        self.deadline: float | None = None

    def tell(self, message: dict[str, Any]) -> None:
        """Send to the command; it may be gone, which the poll will say."""
        with suppress(OSError):
            self.connection.send(wire.encode(message), wire.SEND)

    def signal(self, number: int, to_group: bool) -> None:
        """Signal the session, which cannot have been reaped yet; it may be another user by now."""
        with suppress(ProcessLookupError, PermissionError):
            (os.killpg if to_group else os.kill)(self.pid, number)

    def hang_up(self) -> None:
        """The command is gone: let the session end as on a closed terminal, and see to it that it does."""
        self.signal(_signal.SIGHUP, to_group=True)
        self.signal(_signal.SIGCONT, to_group=True)
        self.deadline = time.monotonic() + _GRACE

    def close(self) -> None:
        """There is no more to be said; descriptors that the command has passed on nobody asked for."""
        self.connection.close()
        for descriptor in self.frames.descriptors:
            os.close(descriptor)


class Zygote:
    """The state of the loop."""

    def __init__(
        self,
        control: _socket.socket,
        inherited: Inherited,
        facts: dict[str, Any],
        plan: FirstRun | Repeats,
    ) -> None:
        self._control = control
        self._forerunner: Forerunner | None = None
        self._plan: Any = plan
        self._retired = False
        self._must_look_again = False
        self._frames = wire.Receiver(control)
        self._inherited = inherited
        self._facts = facts
        self._runs: dict[int, Run] = {}
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._wakeup = os.pipe()
        for end in self._wakeup:
            os.set_blocking(end, False)
        self._poll.register(self._wakeup[0], select.POLLIN)
        _signal.set_wakeup_fd(self._wakeup[1])
        _signal.pthread_sigmask(_signal.SIG_SETMASK, [])
        _signal.signal(_signal.SIGCHLD, _ignore)

    def loop(self) -> session.Session | GoingAhead | GoingFurther | None:
        """Serve until there is nobody left to serve (None), or this is a fork."""
        while not self._retired or self._runs or self._forerunner is not None:
            ready = dict(self._poll.poll(self._patience()))
            # Now, before any of these numbers is closed, and comes to mean the connection of another run.
            commands = [(run, ready.get(run.connection.fileno(), 0)) for run in self._runs.values()]
            if self._forerunner is not None and self._forerunner.socket.fileno() in ready:
                self._serve_forerunner(self._forerunner)
            if self._control.fileno() in ready:
                forked = self._serve_control()
                if forked is not None:
                    return forked
            if self._wakeup[0] in ready:
                self._reap()
                going = self._go_ahead()
                if going is not None:
                    return going
            for run, event in commands:
                if run.pid in self._runs:
                    self._serve_command(run, event)
        return None

    def tell_daemon(self, message: dict[str, Any], body: bytes = b"") -> None:
        """Send to the daemon; if it is gone, the poll says so."""
        with suppress(OSError):
            self._control.sendall(wire.encode(message, body))

    def _patience(self) -> float | None:
        deadlines = [run.deadline for run in self._runs.values() if run.deadline is not None]
        return max(0.0, min(deadlines) - time.monotonic()) * 1000 if deadlines else None

    def _serve_control(self) -> session.Session | None:
        try:
            frames = self._frames.pending()
        except wire.Closed:
            self._poll.unregister(self._control)
            frames = [({"type": "retire"}, b"")]
        for head, body in frames:
            if head["type"] == "look_again":
                self._must_look_again = True
                self._plan.reconsider()
                self._look_again()
                continue
            if head["type"] in ("retire", "hang_up"):
                self._retire(head["type"])
                for run in self._runs.values() if head["type"] == "hang_up" else ():
                    run.hang_up()
                continue
            forked = self._start(head, body)
            if forked is not None:
                return forked
        return None

    def _retire(self, kind: str) -> None:
        self._retired = True
        if self._forerunner is not None:
            self._forerunner.say(kind)

    def _start(self, head: dict[str, Any], body: bytes) -> session.Session | None:
        """Fork. In the child: the session. In the zygote: None."""
        received = self._frames.descriptors[: head["passed"]]
        del self._frames.descriptors[: head["passed"]]
        request = Request(head, body, received)
        self._plan.note(request)
        if self._forerunner is not None and self._hand_over(self._forerunner, request, head, body, received):
            return None
        why = self._plan.obstacle() if self._forerunner is None else self._forerunner.why
        head.update(stage=self._plan.stage(), no_further=why)
        try:
            if session.is_attended(head):
                self._inherited.attending()  # now: a run must not see how it is imported
        except Exception as error:  # somebody has removed it, or damaged it: other runs go on
            self._refuse(head["run"], received, f"what it asks for cannot be imported: {error}")
            return None
        try:
            pid = os.fork()
        except OSError as error:
            self._refuse(head["run"], received, f"no process for a session: {error}")
            return None
        if pid == 0:
            for other in self._sockets():
                other.detach()  # the session closes all descriptors; a socket object must not complain of that
            head.update(self._facts)
            return session.Session(head, body, received, self._control.detach(), self._inherited)
        with suppress(OSError):
            os.setpgid(pid, pid)  # as the session does itself: whoever comes first
        for descriptor in received[1:]:
            os.close(descriptor)
        run = Run(head["run"], pid, _socket.socket(fileno=received[0]))
        self._runs[pid] = run
        self._poll.register(run.connection, select.POLLIN)
        self.tell_daemon({"type": "started", "run": run.number, "pid": pid})
        return None

    def _sockets(self) -> list[_socket.socket]:
        """What a fork must not keep open, but for the control socket."""
        connections = [run.connection for run in self._runs.values()]
        return connections if self._forerunner is None else [*connections, self._forerunner.socket]

    def _go_ahead(self) -> GoingAhead | GoingFurther | None:
        """Fork what later runs are forked from, if it is time. See docs/design/latency.md."""
        if self._runs or self._retired:
            return None
        if self._forerunner is not None:
            self._plan.review(self._forerunner)
            return None
        if not self._plan.is_due():
            return None
        here, there = _socket.socketpair()
        try:
            pid = os.fork()
        except OSError:
            return None  # and do without
        if pid != 0:
            there.close()
            self._forerunner = self._plan.companion(pid, here)
            self._poll.register(here, select.POLLIN)
            return None
        for other in (here, self._control, *self._sockets()):
            other.close()
        _signal.set_wakeup_fd(-1)
        _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
        for end in self._wakeup:
            os.close(end)
        control = _socket.socket(fileno=out_of_the_way(there.detach()))
        forked: GoingAhead | GoingFurther = self._plan.go(
            self._inherited, lambda *arrived: self._wait_ahead(control, *arrived)
        )
        return forked

    def _wait_ahead(self, control: _socket.socket, message: dict[str, Any], body: bytes, plan: Any) -> Any:
        """Be the zygote of what went ahead; returns in its sessions, and in what goes further."""
        # Of what was made on the way ahead nothing is frozen: it belongs to the run, and ends with it.
        zygote = Zygote(control, self._inherited, {**self._facts, "zygote": os.getpid()}, plan)
        zygote.tell_daemon({"type": "ahead", **message}, body)
        os.write(zygote._wakeup[1], b"\0")  # it may be time to go on at once
        forked = zygote.loop()
        if forked is None:
            os._exit(0)
        return forked

    def _hand_over(
        self, to: Forerunner, request: Request, head: dict[str, Any], body: bytes, descriptors: list[int]
    ) -> bool:
        try:
            handed_over = to.takes(request) and to.hand_over(head, body, descriptors)
        except wire.Closed:
            return False  # the poll will say so
        for descriptor in descriptors if handed_over else ():
            os.close(descriptor)
        return handed_over

    def _serve_forerunner(self, forerunner: Forerunner) -> None:
        """Pass on what it says; when it is gone, its runs have lost their zygote."""
        try:
            for message in forerunner.news():
                self.tell_daemon(message)
            self._look_again()
        except wire.Closed:
            self._poll.unregister(forerunner.socket)
            forerunner.socket.close()
            os.waitpid(forerunner.pid, 0)
            self._forerunner = None
            self._plan.lose(forerunner)
            for run in forerunner.runs:
                self.tell_daemon({"type": "ended", "run": run, "end": {"signal": int(_signal.SIGKILL)}})

    def _look_again(self) -> None:
        """As soon as no run changes anything itself."""
        if self._must_look_again and self._forerunner is not None and not self._forerunner.runs:
            self._must_look_again = False
            self._forerunner.look_again()

    def _refuse(self, number: int, received: list[int], reason: str) -> None:
        """Other sessions go on; this run becomes a plain one."""
        refusal = {"type": "refused", "run": number, "reason": reason}
        self.tell_daemon(refusal)
        self.tell_daemon({"type": "ended", "run": number, "end": {"code": session.REFUSED}})
        with suppress(OSError):  # the command is gone
            os.write(received[0], wire.encode(refusal))
        for descriptor in received:
            os.close(descriptor)

    def _serve_command(self, run: Run, event: int) -> None:
        """What the command sends, or that it is gone; whoever talks nonsense may as well be."""
        if event:
            try:
                for head, _ in run.frames.pending():
                    run.signal(head["number"], head["group"])
            except (wire.Closed, KeyError, TypeError, OSError, OverflowError):
                event |= select.POLLHUP
        if event & _HANG_UP:
            self._poll.unregister(run.connection)
            if run.deadline is None:
                run.hang_up()
        elif run.deadline is not None and time.monotonic() >= run.deadline:
            run.signal(_signal.SIGKILL, to_group=False)
            run.deadline = None

    def _reap(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._wakeup[0], 4096)
        for pid in list(self._runs):
            while True:
                found, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
                if found == 0:
                    break
                if os.WIFSTOPPED(status):
                    self._runs[pid].tell({"type": "stopped", "signal": os.WSTOPSIG(status)})
                    continue
                self._end(self._runs.pop(pid), status)
                break

    def _end(self, run: Run, status: int) -> None:
        end = {"signal": os.WTERMSIG(status)} if os.WIFSIGNALED(status) else {"code": os.WEXITSTATUS(status)}
        if end == {"code": session.REFUSED} and self._plan.ends_when_refused:
            self._retire("retire")  # the file goes on as no run can from here
        run.tell({"type": "ended", "end": end})
        with suppress(KeyError):  # its command went first
            self._poll.unregister(run.connection)
        run.close()
        self.tell_daemon({"type": "ended", "run": run.number, "end": end})


def serve(control: int, shelf: Shelf, start_up: StartUp, ending: Ending, failure: Exception | None) -> None:
    """Be a zygote: never return but in a forked session that has become an ordinary run."""
    socket = _socket.socket(fileno=control)
    if failure is not None:
        missing = isinstance(failure, ModuleNotFoundError) and failure.name == "pytest"
        message = {"type": "unusable", "missing": missing, "reason": f"{type(failure).__name__}: {failure}"}
        socket.sendall(wire.encode(message))
        os._exit(0)
    streams = Streams()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    loud = any(os.fstat(descriptor).st_size > 0 for descriptor in (1, 2))
    ready = {"type": "ready", "pid": os.getpid(), "loud": loud, **facts(shelf, start_up)}
    known = {"zygote": ready["pid"], "versions": (ready["python"], ready["pytest"]), "changes": start_up.changes}
    inherited = Inherited(shelf, streams, ending, start_up, dict(sys.modules))
    zygote = Zygote(socket, inherited, known, FirstRun())
    ending.keep(shelf)
    shelf.clear_away()
    sys.path_importer_cache.pop(os.path.dirname(__file__), None)
    freeze(shelf)
    ending.has_program_frozen = thaw.has_program_frozen
    zygote.tell_daemon(ready)
    forked = zygote.loop()
    if forked is None:
        os._exit(0)
    forked.become_the_run()


def _ignore(*_: object) -> None:
    """The handler of SIGCHLD: the wake-up descriptor says all there is to say."""
