"""Sees all that a trial does, and ends it at the first thing that is not known to be harmless.

Nothing here is careful to leave no mark, as the process is thrown away; and nothing reaches outside, since the trial
ends before it is done. See docs/design/latency.md.
"""

from __future__ import annotations

import _warnings
import gc
import os
import sys
from contextlib import contextmanager
from typing import Any

from rpytest_zygote import bodies, facts, identity, lookups, numerics, tempdir, world
from rpytest_zygote.effects import LISTINGS, is_excused, is_temporary, opens_descriptors, reaches_outside, seeds
from rpytest_zygote.environment import environment
from rpytest_zygote.loaders import read_by
from rpytest_zygote.names import DICTIONARIES, GIVE_VALUES, MODULE
from rpytest_zygote.reads import Reads, is_special
from rpytest_zygote.standing import has_event_loop, standing
from rpytest_zygote.touches import ATTRIBUTE, STACK, Touched, Touches, is_of_project
from rpytest_zygote.words import names_of, reads_unseen, texts_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType, FrameType

ALL, LASTING = "all", "lasting"
_OPENSSL = {"_hashlib", "_ssl"}
_SYSTEM = ("/proc/", "/dev/", "/sys/")
_Module = type(sys)
_collect = gc.collect  # it is replaced where objects are frozen
_READS = (
    "read",
    "read1",
    "readinto",
    "readinto1",
    "readline",
    "readlines",
    "readall",
    "seek",
    "truncate",
    "peek",
    "__next__",
    "__iter__",
    "detach",
    "close",
)
"""Of the standard streams: these must not be used on the way."""
_WARN = (_warnings.warn, _warnings.warn_explicit)
"""Functions that look at the stack."""


class Witness:
    """Watches until `end`; `stop` is called with the reason where the trial must end, and does not return."""

    def __init__(self, stop: Callable[[str], None], package: str, touched: Touched) -> None:
        self.reads = Reads()
        pytest, pluggy = package + os.sep, os.path.join(os.path.dirname(package), "pluggy", "")
        self.touches = Touches(touched, pytest, pluggy)
        self.variables = {"TZ", "TZDIR"}
        self.whole_environment: str | None = None
        """Whether the program asks for it as a whole, or native code may."""
        self._stop = stop
        self._trusted = (pytest, pluggy, *world.OURS)
        self._harmless: set[Any] = set()
        """Functions in C that have been judged so, as `_key` names them."""
        self._codes: dict[CodeType, CodeType] = {}
        """Code of functions that has been examined: that of two files may be equal."""
        self.is_blind = False
        """Nothing is watched, now or any more."""
        self._is_asking = False
        """For frames and code, of which the audit hook hears."""
        own = sys.__stdin__, sys.__stdout__, sys.__stderr__  # not those of pytest's capture
        self._streams = [each for stream in own for each in _layers(stream)]
        self._seeded: list[Any] = []
        """Generators of random numbers that the program has made and seeded: they are the same in all processes."""
        self._before = standing(self._seeded)
        self._kinds_of_streams = set(map(type, self._streams))
        kind: Any = type(os.environ)
        self._special: dict[CodeType, Callable[[FrameType], None]] = {
            **{getattr(kind, f"__{name}item__").__code__: self._variable for name in ("get", "set", "del")},
            **{getattr(kind, name).__code__: self._environment for name in ("__iter__", "__len__", "__repr__")},
            sys.modules["_frozen_importlib_external"].FileFinder.find_spec.__code__: self._find,
            sys.modules["_frozen_importlib"]._lock_unlock_module.__code__: self._import_begun,
        }

    def begin(self) -> None:
        """From now on."""
        self.touches.namespaces.begin(bodies.modules())
        for file in ("/etc/localtime", _zone_file(environment())):
            self.reads.note("stat", file)
        self.reads.note_day()
        lookups.install(self)
        tempdir.tell(self._note_writable)
        _hold_collector()

        # No method, as in `guard`.
        def hear(event: str, arguments: tuple[Any, ...]) -> None:
            if not (self.is_blind or self._is_asking):
                self._audit(event, arguments)

        sys.addaudithook(hear)
        sys.setprofile(self._profiler())

    def collect(self) -> None:
        """Whom the collector may have called on the way, it calls here, and is seen to do so."""
        _collect()

    @contextmanager
    def unseen(self) -> Iterator[None]:
        """What is done meanwhile is not done for the way."""
        sys.setprofile(None)
        self.is_blind = True
        try:
            yield
        finally:
            self.is_blind = False
            sys.setprofile(self._profiler())

    def end(self) -> None:
        """No more is done; what has come of it must not be what a fork does not have."""
        sys.setprofile(None)
        self.is_blind = True
        self.touches.end(sys._getframe(1))
        now = standing(self._seeded)
        for what, then in self._before.items():
            if what not in ("modules", "maps", "generators") and now[what] != then:
                self.deny(f"changes {what}")
        if identity.is_key_held():
            self.deny("holds the key of multiprocessing, which is another one in each process")
        if has_event_loop():
            self.deny("sets an event loop, which a fork forgets")
        if not numerics.are_known(numerics.threads()):
            self.deny("starts threads")
        if now["generators"] - self._before["generators"]:
            self.deny("makes generators of random numbers")
        added = now["modules"] - self._before["modules"]
        if added & world.NEVER:
            self.deny(f"imports {min(added & world.NEVER)}")
        if "readline" in added:
            self._note_readline()
        for path in (now["maps"] - self._before["maps"]) | set(facts.read_by_openssl() if added & _OPENSSL else ()):
            self.note("stat", path)
        self.reads.settle()

    def _note_readline(self) -> None:
        """It reads its own configuration, and puts the size of the terminal where children look for variables."""
        environment: Any = os.environ
        names = {b"LINES", b"COLUMNS"}
        self.variables |= set(map(os.fsdecode, names))
        self.whole_environment = self.whole_environment or LASTING
        if names & environment._data.keys():
            self.deny("imports readline, which overwrites a variable")
        home = os.fsdecode(environment._data.get(b"HOME", b"/"))
        own = os.fsdecode(environment._data.get(b"INPUTRC", b"/etc/inputrc"))
        for path in (own, os.path.join(home, ".inputrc"), "/etc/inputrc"):
            self.reads.note("stat", path)

    def deny(self, reason: str) -> None:
        """This must be done anew in each run."""
        sys.setprofile(None)
        self.is_blind = True
        self._stop(reason)

    def judge(self, called: Any, frame: FrameType) -> None:
        """A function in C is about to be called."""
        owner = getattr(called, "__self__", None)
        key = _key(called, owner)
        if key in self._harmless:
            return
        gives_values = issubclass(type(owner), DICTIONARIES) and called.__name__ in GIVE_VALUES
        is_heard = gives_values or any(called is each for each in (dir, *_WARN))
        if gives_values:
            self.touches.namespaces.note_method(owner, frame)
        if frame.f_code.co_filename.startswith(world.OURS):
            return
        if called.__name__ == "seed" and seeds(owner, frame):
            self._seeded.append(owner)
            return
        if any(owner is stream for stream in self._streams):
            harmless = called.__name__ not in _READS
        else:
            harmless = world.is_harmless(*world.name(called))
            if harmless and key is not None and not is_heard and type(owner) not in self._kinds_of_streams:
                self._harmless.add(key)
        if not harmless and not is_excused(world.name(called)[0], called.__name__, frame):
            self.deny(f"{frame.f_code.co_filename}:{frame.f_lineno} calls {'.'.join(world.name(called))}")

    def _variable(self, frame: FrameType) -> None:
        key = frame.f_locals.get("key")
        if isinstance(key, str):
            self.variables.add(key)
        else:
            self.whole_environment = ALL

    def _environment(self, frame: FrameType) -> None:
        self.whole_environment = ALL

    def _find(self, frame: FrameType) -> None:
        name, finder = frame.f_locals["fullname"], frame.f_locals["self"]
        self.reads.note_name(os.path.join(os.getcwd(), finder.path), name.rpartition(".")[2])

    def _import_begun(self, frame: FrameType) -> None:
        self.touches.namespaces.note_import(frame.f_locals["name"])

    def _profiler(self) -> Callable[[FrameType, str, Any], None]:
        """What hears of all calls. Of most there is nothing to be said any more: they are not even followed."""
        executing, harmless, examined = self.touches.namespaces.executing, self._harmless, self._codes

        def hear(frame: FrameType, event: str, called: Any) -> None:
            try:
                if event == "return":
                    if not executing or executing[-1].frame is not frame:
                        return
                elif event == "c_call":
                    if _key(called, getattr(called, "__self__", None)) in harmless:
                        return
                elif event == "call":
                    self._is_asking = True
                    code: Any = frame.f_code
                    self._is_asking = False
                    if examined.get(code) is code:
                        return
                elif called is not dir:
                    return
                self._is_asking = True
                self._follow(frame, event, called)
                self._is_asking = False
            except Exception as error:  # as in `_touch`
                self.deny(f"cannot be followed: {error}")

        return hear

    def _follow(self, frame: FrameType, event: str, called: Any) -> None:
        if event == "call":
            code: Any = frame.f_code
            if code.co_name == MODULE:
                self.touches.note_module(frame)
            elif code in self._special:
                self._special[code](frame)
                return
            else:
                self._codes[code] = code
            self.touches.note_call(code)
            self._examine(code)
        elif event == "c_call":
            if called is dir:
                self.touches.namespaces.begin_listing()
            elif any(called is each for each in _WARN):
                self.touches.note_look_at_stack(frame)
            self.judge(called, frame)
        elif event == "return":
            self.touches.namespaces.leave()
        else:
            self.touches.namespaces.end_listing()

    def _examine(self, code: CodeType) -> None:
        """Somebody's own code must not read what can be read without a call."""
        if world.is_standard(code.co_filename) or code.co_filename.startswith(self._trusted):
            return
        names, texts = names_of(code), texts_of(code)
        self.touches.note_names(code, names | texts)
        reason = reads_unseen(code, names, texts)
        if reason is not None:
            self.deny(reason)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in (ATTRIBUTE, STACK):
            self._is_asking = True
            self._touch(arguments if event == ATTRIBUTE else None, sys._getframe(2))
            self._is_asking = False
        if event in world.HARMLESS_EVENTS:  # to ask for the frame is one of them
            return
        frame: Any = sys._getframe(2)
        if frame.f_code is lookups.CALL:
            if event in LISTINGS:
                return  # it has been noted there
            frame = frame.f_back
        if frame.f_code.co_filename.startswith(world.OURS):
            return
        effect = reaches_outside(event, arguments, frame)
        if effect is not None:
            self.deny(effect)
        elif event == "open":
            self._note_opened(arguments[0], frame)
        elif event == "import":
            self._import(arguments[0], arguments[1])
        elif event in LISTINGS:
            self.deny(f"lists {arguments[0]} in an unknown way")

    def _touch(self, asked: tuple[Any, ...] | None, frame: FrameType) -> None:
        """Code is about to be seen, by an attribute that is asked for or else by its frame."""
        try:
            if asked is None:
                self.touches.note_look_at_stack(frame)
            else:
                self.touches.note_attribute(asked[0], asked[1], frame)
        except Exception as error:  # of the program, if it goes on: nothing would be seen any more
            self.deny(f"shows code in a strange way: {error}")

    def _note_opened(self, path: Any, frame: FrameType) -> None:
        if path == os.devnull:
            return
        if isinstance(path, int):
            if not opens_descriptors(frame):
                self.deny("opens a descriptor")
            return
        if is_temporary(frame):
            self._note_writable(os.path.join(os.getcwd(), os.fsdecode(path)))
            return
        text = os.path.join(os.getcwd(), os.fsdecode(path))
        if text.startswith(_SYSTEM) or is_special(text):
            self.deny(f"looks at {text}")
        if not self.note_loaded(text, frame):
            self.reads.note_opened(text)

    def note_loaded(self, path: str, frame: FrameType) -> bool:
        """Whether it is a loader that looks there, for code of the project."""
        source = read_by(frame)
        if source is None or not is_of_project(source) or not os.path.isabs(source):
            return False
        self.reads.note_loaded(path, source)
        return True

    def _note_writable(self, directory: str) -> None:
        """A directory in which `tempfile` tries to make a file."""
        self.reads.note("kind", directory)
        self.reads.note(f"access{os.W_OK | os.X_OK}", directory)

    def note(self, how: str, path: str) -> None:
        """A path is looked at."""
        if path.startswith(_SYSTEM):
            self.deny(f"looks at {path}")
        self.reads.note(how, path)

    def _import(self, name: str, file: str | None) -> None:
        if file is None or world.is_standard(file):
            return
        if name.partition(".")[0] not in world.NATIVE:
            self.deny(f"imports {name}, which is native code")
        self.whole_environment = self.whole_environment or LASTING


def _hold_collector() -> None:
    """It does nothing unless it is called, and seems to go on: it would call functions of which no profiler hears."""
    collects = [gc.isenabled()]
    gc.disable()

    def set_to(does: bool) -> Callable[[], None]:
        return lambda: collects.__setitem__(0, does)

    for module in (gc, sys.modules.get("gc", gc)):
        names: Any = vars(module)
        names.update(isenabled=lambda: collects[0], enable=set_to(True), disable=set_to(False))


def _key(called: Any, owner: Any) -> Any:
    """What tells a function in C, which belongs to `owner`, from others; None where only its name can.

    Nothing here may run anybody's code, as the hash of a class may.
    """
    if owner is None or type(owner) is _Module:
        return called
    kind = type(owner)
    if issubclass(kind, type):
        return (owner, called.__name__) if kind is type else None
    return (kind, called.__name__, None) if type(kind) is type else None


def _zone_file(variables: dict[bytes, bytes]) -> str:
    """Where the C library finds the time zone that a variable names, whatever else it may mean."""
    directory, zone = variables.get(b"TZDIR", b"/usr/share/zoneinfo"), variables.get(b"TZ", b"").removeprefix(b":")
    return os.fsdecode(os.path.join(directory, zone))


def _layers(stream: Any) -> list[Any]:
    buffer = getattr(stream, "buffer", None)
    return [each for each in (stream, buffer, getattr(buffer, "raw", None)) if each is not None]
