"""A session: a fork of the zygote that becomes the `python -m pytest ARGS` which its command was asked for.

See docs/design/session.md.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` would make enums of everything
import fcntl
import logging
import os
import resource
import sys
import threading
import time
from contextlib import suppress
from functools import partial
from typing import Any

from rpytest_zygote import lesson, thaw, wire
from rpytest_zygote.afterwards import Afterwards
from rpytest_zygote.environment import change_environment, set_beside, set_environment
from rpytest_zygote.standins import OURS
from rpytest_zygote.told import Told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rpytest_zygote.firstrun import Inherited
    from rpytest_zygote.going import Arrived

# A program may replace them, and would see our calls.
_stat, _time, _time_ns = os.stat, time.time, time.time_ns
_IGNORED_BY_PYTHON = {_signal.SIGPIPE, getattr(_signal, "SIGXFSZ", 0)}
REFUSED = 70
"""The exit status of a session that leaves before it begins."""
_LONGEST_REASON = 1000
"""What is short is written whole, whoever else writes to the same socket."""


class Session:
    """What a command handed over, in the process that is to become its run.

    `descriptors` are the zygote's connection to the command, what the command has passed on, and perhaps a socket for
    events. `daemon` is the zygote's socket to the daemon. Command and daemon are told whether there will be a run.
    """

    def __init__(
        self, head: dict[str, Any], body: bytes, descriptors: list[int], daemon: int, inherited: Inherited
    ) -> None:
        self._head = head
        self._daemon = daemon
        self._events = descriptors.pop() if head["events"] else None
        self._command, self._directory, *self._descriptors = descriptors
        texts = body.split(b"\0")[:-1]
        self._arguments = texts[: head["arguments"]]
        self._variables = texts[head["arguments"] : head["arguments"] + head["variables"]]
        self._inherited = inherited
        self._shelf = inherited.shelf

    def become_the_run(self, config: Any = None, arrived: Arrived | None = None, keeps_zone: bool = False) -> None:
        """Put right everything in which this process differs from a fresh one; where that fails, refuse the run.

        Where the zygote has gone ahead, `config` is the configuration that pytest has made, and where it has gone
        further, `arrived` is what it has from there. `keeps_zone`: so is the time zone.
        """
        try:
            self._put_right(config, arrived, keeps_zone)
            if arrived is not None:
                arrived.prepare(self._head["edited"])
            self._begin()
        except BaseException as error:
            reason = f"the session cannot be made as asked: {type(error).__name__}: {error}"
            refusal = {"type": "refused", "run": self._head["run"], "reason": reason[:_LONGEST_REASON]}
            for listener in (self._daemon, self._command):  # as soon as the command knows, it hangs up on this process
                with suppress(OSError):  # it is gone
                    os.write(listener, wire.encode(refusal))
            os._exit(REFUSED)

    def _begin(self) -> None:
        """Tell the command. What cannot be told must not begin: a command that hears nothing runs plain pytest."""
        head = self._head
        if os.getppid() != head["zygote"]:
            raise RuntimeError("the warm process was killed")
        told = {name: head[name] for name in ("path", "reason", "stage", "no_further")}
        os.write(self._command, wire.encode({"type": "started", "pid": os.getpid(), **told}))
        for listener in (self._command, self._daemon):
            os.close(listener)

    def _put_right(self, config: Any, arrived: Arrived | None, keeps_zone: bool) -> None:
        """Every fact about a process that a fork gets wrong, a line each. See docs/design/session.md."""
        head = self._head
        os.setpgid(0, 0)  # a group of its own, to which the command sends what the terminal would send
        _signal.set_wakeup_fd(-1)
        # On the way native code may have set a handler, as readline does.
        set_dispositions(set(head["ignored"]), _signal.valid_signals() if arrived is None else {_signal.SIGCHLD})
        _signal.pthread_sigmask(_signal.SIG_SETMASK, set(head["blocked"]))
        os.fchdir(self._directory)  # by descriptor: its name may be gone, or not be readable
        os.umask(head["umask"])
        self._set_scheduling(head)
        if not head["keep_environment"]:
            set_environment(self._variables, head["changes"], keeps_zone)
            if arrived is not None:
                change_environment(arrived.variables)
                set_beside(arrived.beside)
        if arrived is None:
            sys.argv[1:] = map(os.fsdecode, self._arguments)  # the first is "-m" until runpy replaces it
            if hasattr(sys, "orig_argv"):
                sys.orig_argv[1:] = ["-m", "pytest", *sys.argv[1:]]
        self._raise_limits(head["limits"])
        self._take_descriptors(head["descriptors"], arrived)
        self._set_limits(head["limits"])  # a low limit must not stop what is done before
        if arrived is None:
            self._inherited.streams.make_again()
        threading.main_thread()._set_native_id()  # type: ignore[attr-defined]  # the thread of a new process
        logging._startTime = _time_ns() if isinstance(logging._startTime, int) else _time()  # type: ignore[attr-defined]
        if arrived is None:
            thaw.when_looked_at()  # what `gc.freeze` has hidden from the collector
        forget_directory_listings()
        wanted = head["lesson"]
        if wanted is not None and wanted["collect"] is None:
            self._tell_afterwards(config, partial(lesson.tell_outcomes, lesson.Address(wanted)))
        if head["explain"] is not None:
            self._tell_afterwards(config, Told(head["explain"]).tests)
        if config is None:
            if is_attended(head):
                _when_configured(self._shelf.modules()["_pytest.config"], self._attend)
            self._shelf.open()
        elif is_attended(head):
            self._attend(config)

    def _tell_afterwards(self, config: Any, tell: Callable[[Any], None]) -> None:
        Afterwards(config, self._shelf.modules()["_pytest.config"].Config, tell)

    def _attend(self, config: Any) -> None:
        attend = self._inherited.attending().attend
        attend(config, self._head, self._events, self._shelf.modules(), self._inherited.start_up)

    def _set_scheduling(self, head: dict[str, Any]) -> None:
        if sys.platform == "linux" and head["scheduling"] is not None:
            policy, priority = head["scheduling"]
            if (policy, priority) != (os.sched_getscheduler(0), os.sched_getparam(0).sched_priority):
                os.sched_setscheduler(0, policy, os.sched_param(priority))
        if head["nice"] != os.getpriority(os.PRIO_PROCESS, 0):
            os.setpriority(os.PRIO_PROCESS, 0, head["nice"])
        affinity = head["affinity"]
        if sys.platform == "linux" and affinity is not None and set(affinity) != os.sched_getaffinity(0):
            os.sched_setaffinity(0, affinity)

    def _raise_limits(self, limits: list[tuple[str, int, int]]) -> None:
        """Those that the zygote has lower: descriptors may have to be taken whose numbers are above its own limit."""
        for name, soft, hard in limits:
            number = getattr(resource, name)
            here = resource.getrlimit(number)
            if _is_higher(soft, here[0]) or _is_higher(hard, here[1]):
                resource.setrlimit(number, (_higher(soft, here[0]), _higher(hard, here[1])))

    def _set_limits(self, limits: list[tuple[str, int, int]]) -> None:
        for name, soft, hard in limits:
            number = getattr(resource, name)
            if resource.getrlimit(number) != (soft, hard):
                resource.setrlimit(number, (soft, hard))

    def _take_descriptors(self, numbers: list[int], arrived: Arrived | None) -> None:
        """Have the command's descriptors at their numbers, and no other open but those of the way."""
        left = set() if arrived is None else arrived.stand_ins.left_open
        above = max([2, *numbers, *left]) + 1
        self._command, self._daemon = _lift(self._command, above), _lift(self._daemon, above)
        lifted = [_lift(descriptor, above) for descriptor in self._descriptors]
        if arrived is not None:
            arrived.stand_ins.become(dict(zip(numbers, lifted)))
        for descriptor, number in zip(lifted, numbers) if arrived is None else ():
            os.dup2(descriptor, number, inheritable=True)
        kept = {*numbers, *left, self._command, self._daemon}
        if self._events is not None:
            self._events = _lift(self._events, above)
            kept.add(self._events)
        highest = max([*kept, *lifted, *OURS])
        for low, high in zip([-1, *sorted(kept)], [*sorted(kept), highest + 1]):
            if low + 1 < high:  # the system call would take an empty range for all
                os.closerange(low + 1, high)


def is_attended(head: dict[str, Any]) -> bool:
    """Whether plugins of ours are to be in the run."""
    collects = head["lesson"] is not None and head["lesson"]["collect"] is not None
    return bool(head["events"] or head["turbo"] is not None or collects)


def _when_configured(config_module: Any, attend: Callable[[Any], None]) -> None:
    """Call it with the configuration that pytest is about to make.

    `config_module` is `_pytest.config`: its `get_config` is the one place that every run comes through.
    """
    make = config_module.get_config

    def get_config(*arguments: Any, **keywords: Any) -> Any:
        config_module.get_config = make
        config = make(*arguments, **keywords)
        attend(config)
        return config

    config_module.get_config = get_config


def set_dispositions(ignored: set[int], numbers: set[int]) -> None:
    """Of these signals, as the interpreter sets them at its start, given what it inherits."""
    for number in numbers - {_signal.SIGKILL, _signal.SIGSTOP}:
        if number in ignored or number in _IGNORED_BY_PYTHON:
            handler: Any = _signal.SIG_IGN
        elif number == _signal.SIGINT:
            handler = _signal.default_int_handler
        else:
            handler = _signal.SIG_DFL
        if _signal.getsignal(number) is not handler and _signal.getsignal(number) is not None:
            _signal.signal(number, handler)


def _is_higher(limit: int, than: int) -> bool:
    return than != resource.RLIM_INFINITY and (limit == resource.RLIM_INFINITY or limit > than)


def _higher(one: int, other: int) -> int:
    return one if _is_higher(one, other) else other


def _lift(descriptor: int, above: int) -> int:
    """The same open file at a number that is not below `above`."""
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, above)


def _is_there(path: str) -> bool:
    try:
        _stat(path)
    except (OSError, ValueError):
        return False
    return True


def forget_directory_listings() -> None:
    """Of directories that may have changed since."""
    for entry, finder in list(sys.path_importer_cache.items()):
        forget = getattr(finder, "invalidate_caches", None)
        if forget is not None:
            forget()
        elif finder is None and _is_there(entry):  # there was nothing
            del sys.path_importer_cache[entry]
