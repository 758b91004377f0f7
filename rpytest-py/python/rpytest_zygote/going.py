"""The process that goes further: takes the arguments of the last run, and waits where every run with them comes by.

First a trial goes the same way and is thrown away: it tells what is read on the way, which is compared before every
run, and whether there is anything that each run must do anew. See docs/design/latency.md.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` would make enums of everything
import os
import resource
import sys
import time
from contextlib import contextmanager
from typing import Any, NamedTuple

from rpytest_zygote import bodies, heads, identity, loaders, numerics, tempdir, thaw
from rpytest_zygote.environment import change_environment, environment, set_beside, set_environment
from rpytest_zygote.gist import of_modules
from rpytest_zygote.guard import Guard
from rpytest_zygote.reads import Reads
from rpytest_zygote.session import forget_directory_listings, set_dispositions
from rpytest_zygote.standins import StandIns
from rpytest_zygote.touches import Touched
from rpytest_zygote.trial import Trial, hold

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import ModuleType

    from rpytest_zygote.firstrun import Inherited
    from rpytest_zygote.further import Repeats
    from rpytest_zygote.request import Request

    Wait = Callable[[dict[str, Any], bytes, Any], Any]
    """Tells the zygote that stayed behind, and returns in each fork, with what the fork is to be."""

_LONGEST = 600
"""Seconds that it may be on its way."""
_ARRIVAL = "_warn_about_skipped_plugins"
"""What `Config.parse` calls last before the hook for conftest files."""


class Stage(NamedTuple):
    """How far a process goes: to where `hook` is called, or to the conftest files where that is None."""

    module: str
    owner: str | None
    functions: tuple[str, ...]
    hook: str | None

    def parts(self, modules: dict[str, ModuleType]) -> Iterator[Any]:
        """The functions that it rests on."""
        owner: Any = modules[self.module]
        found = vars(owner if self.owner is None else vars(owner)[self.owner])
        return (found[name] for name in self.functions if name in found)


STAGES = (
    Stage("_pytest.config", "Config", ("pytest_cmdline_parse", "parse", "_preparse", _ARRIVAL), None),
    Stage("_pytest.main", None, ("wrap_session", "pytest_cmdline_main", "_main"), "pytest_collection"),
    Stage("_pytest.main", None, ("_main",), "pytest_runtestloop"),
)
BEFORE_TESTS = STAGES[-1]


class Arrived(NamedTuple):
    """What the runs that begin where a process has arrived have from it."""

    stand_ins: StandIns
    variables: dict[bytes, bytes | None]
    """Of the environment, as they were changed on the way; None: removed."""
    beside: dict[bytes, bytes]
    """Variables that are not in `os.environ`."""
    threads: numerics.Threads | None
    """NumPy's, where there are any."""
    at_once: bool
    """They are started at once, as it may be seen with no audit event that they are not there."""
    dice: bool
    """Whether NumPy's global generator is to be seeded."""
    reads: Reads
    """What was read on the way."""

    def prepare(self, edited: Sequence[str]) -> None:
        """Read what is to be executed from files as they are now; `edited`: what their functions do.

        It raises an exception where a run cannot go on from here.
        """
        heads.prepare()
        bodies.renew(edited, is_session=True)

    def begin_anew(self) -> None:
        """What no two processes share."""
        if self.dice:
            numerics.Dice().throw()


class GoingFurther:
    """In that process."""

    def __init__(
        self,
        stage: int,
        edited: Sequence[str],
        request: Request,
        inherited: Inherited,
        following: Repeats,
        behind_a_head: Repeats,
        wait: Wait,
    ) -> None:
        self._stage = STAGES[stage]
        self._edited = edited
        """Files: behind the head of a module that is made from one it stops."""
        self._request = request
        self._inherited = inherited
        self._following = following
        self._behind_a_head = behind_a_head
        """What follows where it stops there."""
        self._wait = wait
        self._config: Any = None
        self._came_from: Arrived | None = None
        self._given: dict[bytes, bytes] = {}
        self._stand_ins: StandIns
        self._trial: Trial | None = None
        self._reads = Reads()
        self._message: dict[str, Any] = {}
        self._exactly: dict[str, Any] = {}
        self._written: dict[int, bytes] = {}
        self._take_back: Callable[[], None] = lambda: None
        """Have pytest call nothing of ours any more."""

    def become_the_run(self, config: Any = None, arrived: Arrived | None = None, keeps_zone: bool = False) -> None:
        """Like a session as far as the way there can tell."""
        try:
            self._become(config, arrived, keeps_zone)
        except BaseException:
            os._exit(0)  # as `go_on`

    def _become(self, config: Any, arrived: Arrived | None, keeps_zone: bool) -> None:
        self._config = config
        if not self._request.keeps_environment:
            set_environment(self._request.variables, self._inherited.start_up.changes, keeps_zone)
        self._given = environment()
        self._came_from = arrived
        if arrived is not None:
            change_environment(arrived.variables)
            set_beside(arrived.beside)
            self._stand_ins = arrived.stand_ins
            self._stand_ins.make_private()
            if self._request.turbo is not None and self._stage is BEFORE_TESTS:
                modules = self._inherited.shelf.modules()
                self._inherited.attending().attend_ahead(config, self._request.turbo, modules, self)
            return
        resource.setrlimit(resource.RLIMIT_NOFILE, self._request.descriptor_limit)
        set_dispositions(self._request.ignored, _signal.valid_signals() - {_signal.SIGCHLD})
        self._stand_ins = StandIns(self._request.streams, self._request.others)
        self._stand_ins.install()
        self._inherited.streams.make_again()
        sys.argv[1:] = map(os.fsdecode, self._request.arguments)
        if hasattr(sys, "orig_argv"):
            sys.orig_argv[1:] = ["-m", "pytest", *sys.argv[1:]]
        thaw.when_looked_at()
        forget_directory_listings()

    def go_on(self) -> None:
        """Hold a trial; then, and in the trial, return to pytest, until it arrives."""
        try:
            self._go_on()
        except BaseException:
            os._exit(0)  # else it would be an error of the run, and the run would go on

    def _go_on(self) -> None:
        _signal.alarm(_LONGEST)
        begun = time.time_ns()
        self._stand_ins.drained()
        self._stand_ins.look()
        tempdir.install()
        loaded: dict[str, str] = {}
        if self._came_from is not None:
            loaded = self._came_from.reads.loaded
            bodies.renew(self._came_from.reads.edited(), is_session=False)
        pytest = self._inherited.shelf.modules()["_pytest"]
        self._trial, report, reads = hold(pytest, self._stand_ins, bodies.touched(), loaded)
        if self._came_from is not None:
            self._came_from.begin_anew()
            identity.renew(self._config)
        self._stop_at()
        if self._trial is not None:
            return
        self._stand_ins.discard()
        self._reads = Reads.decode(reads) if reads else Reads()
        self._unless_changed(self._reads.changed_since(begun))
        if report["reason"] is not None:
            self._give_up(report["reason"])
        self._message = report
        written = {int(number): text.encode("latin-1") for number, text in report["written"].items()}
        self._exactly, self._written = self._reads.exactly(), written
        _watch(self._reads)

    def _stop_at(self) -> None:
        """Have pytest call `_arrive` there."""
        hook = self._stage.hook
        if hook is None:
            setattr(self._config, _ARRIVAL, self._arrive_before_conftests)
            return
        main = self._inherited.shelf.modules()[self._stage.module]
        self._take_back = _lay_snare(getattr(self._config.hook, hook), vars(main)["_main"].__code__, self._arrive)
        if self._edited:
            heads.begin(heads.Watch(self._edited, self._arrive_behind_a_head, self._unseen, self._note))

    @contextmanager
    def _unseen(self) -> Iterator[None]:
        if self._trial is not None:
            with self._trial.unseen():
                yield
            return
        _watch(None)
        try:
            yield
        finally:
            _watch(self._reads)

    def _note(self, how: str, path: str) -> None:
        if self._trial is not None:
            self._trial.note(how, path)
        elif not self._reads.has(how, path):
            os._exit(0)  # it has changed since

    def collects(self, reason: str) -> None:
        """`--turbo` leaves nothing out: each run is to say so."""
        if self._trial is not None:
            self._trial.end(reason)
        self._give_up(reason)

    def _give_up(self, reason: str) -> None:
        self._wait({"reason": reason, "variables": None}, b"", self._following.never())
        os._exit(0)

    def _unless_changed(self, path: str | None) -> None:
        """Where somebody changes files just now, it is tried again later."""
        if path is not None:
            self._wait({"changed": path, "variables": None}, b"", self._following.never())
            os._exit(0)

    def _arrive_before_conftests(self) -> Any:
        """What `parse` calls."""
        delattr(self._config, _ARRIVAL)
        if self._trial is not None and self._config.pluginmanager.skipped_plugins:
            self._trial.end("plugins were skipped")
        self._arrive()
        return getattr(self._config, _ARRIVAL)()

    def _arrive_behind_a_head(self) -> None:
        self._take_back()
        self._following = self._behind_a_head
        self._arrive()

    def _arrive(self) -> None:
        """Returns in each session, and in what goes further, without a trace."""
        try:
            heads.leave()
            forked, arrived = self._stay()
        except BaseException:
            os._exit(0)  # else it would be an error of the run, and the run would go on
        forked.become_the_run(self._config, arrived, keeps_zone=True)  # `TZ` and its files are compared
        if isinstance(forked, GoingFurther):
            forked.go_on()
            return
        arrived.begin_anew()
        for let_go in (_guards[0].let_go, bodies.let_go, loaders.let_go):
            self._inherited.ending.have_let_go(let_go)
        if arrived.threads is not None:
            arrived.threads.begin_session()
            if arrived.at_once or any(map(numerics.names_unheard, heads.rests())):
                arrived.threads.start()
            else:
                _guards[0].before_a_look = arrived.threads.start
        identity.renew(self._config)
        arrived.stand_ins.write()

    def _stay(self) -> tuple[Any, Arrived]:
        """Wait here, if this is where the trial has been; returns in forks."""
        written = self._stand_ins.drained()
        held = tempdir.restore()
        unfit = self._stand_ins.settle(written) or held
        if self._trial is not None:
            self._trial.end(unfit, written)
        fate = numerics.fate(self._message["dice"], numerics.Dice())
        self._compare(written, unfit, fate)
        _signal.alarm(0)
        given, now = self._given, environment()
        changed = [name for name in {**given, **now} if given.get(name) != now.get(name)]
        variables = {name: now.get(name) for name in changed}
        beside = {os.fsencode(name): os.fsencode(value) for name, value in self._message["beside"]}
        before = self._came_from
        threads = before.threads if before is not None else None
        if threads is None and numerics.threads() > 0:
            threads = numerics.Threads()
        at_once = (before is not None and before.at_once) or numerics.may_be_missed()
        arrived = Arrived(self._stand_ins, variables, beside, threads, at_once, fate == "anew", self._reads)
        bodies.settle(self._reads.texts, Touched.decode(self._message["touched"]))
        self._inherited.ending.keep_more(thaw.freeze)
        _watch(None)
        return self._wait(self._message, self._reads.encode(), self._following), arrived

    def _compare(self, written: dict[int, bytes], unfit: str | None, fate: str | None) -> None:
        """Returns where the trial has been, and everything is as it was there."""
        exactly, gist = self._reads.exactly(), of_modules()
        self._unless_changed(self._reads.difference())
        if unfit is not None:
            self._give_up(unfit)
        self._unless_changed(next((path for path in exactly if exactly[path] != self._exactly[path]), None))
        if written != self._written:
            self._give_up("what is written on the way differs between two processes")
        if fate is None:
            self._give_up("NumPy's own random numbers are drawn on the way")
        if gist != self._message["gist"]:
            self._give_up("what modules hold differs between two processes")


_guards: list[Guard] = []


def _watch(reads: Reads | None) -> None:
    """An audit hook stays for ever: there is one in each process."""
    if not _guards:
        _guards.append(Guard())
    _guards[0].reads = reads


def _lay_snare(hook: Any, caller: Any, arrive: Callable[[], None]) -> Callable[[], None]:
    """As soon as `caller` calls a hook, that is as it was, and `arrive` is called first, of which no frame is left.

    What is returned takes it back.
    """
    kind: Any = type(hook)

    def take_back() -> None:
        hook.__class__ = kind

    class Called:
        def __get__(self, instance: Any, owner: Any) -> Any:
            if sys._getframe(1).f_code is caller and instance is hook:
                take_back()
                arrive()
            return kind.__call__.__get__(instance)

    hook.__class__ = type(
        kind.__name__, (kind,), {"__slots__": (), "__module__": kind.__module__, "__call__": Called()}
    )
    return take_back
