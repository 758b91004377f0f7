"""Who looks into the namespaces of a project's modules on the way.

A constant that a module gives a name which nobody has asked for may be another one in a run (`bodies`). In a trial the
names of such constants are texts that notice when they are looked for: dictionaries compare what is asked for with what
they have, and calls of their methods are told by the profiler. See docs/design/latency.md.
"""

from __future__ import annotations

import dis
import gc
import re
import sys
from contextlib import contextmanager
from types import CodeType, FrameType, ModuleType
from typing import Any

from rpytest_zygote import world
from rpytest_zygote.assigned import STORES, candidates

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Name = tuple[str, str]

MODULE = "<module>"
"""The name of its code."""
_GIVE_NAMESPACES = re.compile(
    r"__dict__|__getstate__|__reduce|__globals__|f_globals|f_locals|\b(globals|locals|vars|get_objects|get_referents|get_referrers)\b"
)
"""Words in somebody's own code by which it may come to the values in a namespace, and no hook hears of it."""
GIVE_VALUES = {"copy", "items", "pop", "popitem", "values"}
"""Methods of dictionaries that do so without comparing names. What only native code copies and tells is not seen."""
DICTIONARIES = (dict, type(type.__dict__))
_ALL = ("*", "*")
"""Stands for all names of all modules."""
_NOTHING = object()
_STORES = dis.opmap[STORES]
_REGISTER = {"register", "parse_hookimpl_opts"}
"""The functions of pluggy that look at everything in a plugin for hooks."""
_READ_FACTORIES = "parsefactories"
"""The function of pytest that looks at everything in a plugin for fixtures, which constants are not."""
_MOST_HELPERS = 3
"""How far from it may be the one that looks."""
_NAMESPACE: Any = vars(ModuleType)["__dict__"]
_get_frame = sys._getframe
_referents = gc.get_referents


def _is_module(value: Any) -> bool:
    return issubclass(type(value), ModuleType)


def namespace(module: ModuleType) -> dict[str, Any]:
    """That of a module, whatever its own class makes of that; empty where it has none."""
    found: dict[str, Any] | None = _NAMESPACE.__get__(module)
    return {} if found is None else found


class _Watched:
    """A namespace, by its number: it must not live longer for being watched."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.number = id(names)
        self.frame: FrameType | None = None
        """In which its code is being executed."""
        self.begins_behind = 0
        """The number of the last name when that began."""
        self.awaited: dict[int, str] = {}
        """By number, names that code is to give a constant, and has not yet: they stand for `_NOTHING`."""
        self.given: list[tuple[str, int]] = []
        """Those that it has, in order, each with the number of the name that was the last then: what modules hold is
        compared in the order in which they got it."""

    def await_names(self, made: Iterable[str]) -> None:
        """These are given a constant by the code that is about to be executed."""
        names = self._names()
        self.begins_behind = id(next(reversed(names)))
        self.awaited = {id(each): each for each in made}
        self.show()

    def is_given(self, text: str) -> None:
        """The code gives this name its constant now."""
        number = id(next(reversed(self._names())))
        of_these = {*self.awaited, *(id(each) for each, _ in self.given)}
        self.given.append((text, self.begins_behind if number in of_these else number))
        del self.awaited[id(text)]

    def let_go(self, texts: Iterable[str]) -> None:
        """Of these names, which it is to give a constant."""
        for each in list(texts):
            self._names().pop(each, None)
            del self.awaited[id(each)]

    def hide(self) -> None:
        """For a moment nobody is to find names that the module does not have yet."""
        for each in self.awaited.values():
            self._names().pop(each, None)

    def show(self) -> None:
        """That is over."""
        self._names().update((each, _NOTHING) for each in self.awaited.values())

    def end(self) -> None:
        """The code has been executed: let names be in the order in which they were given."""
        names, following = self._names(), dict[int, list[str]]()
        for text, last in self.given:
            following.setdefault(last, []).append(text)
        given = {id(text) for text, _ in self.given}
        order = [text for each in names if id(each) not in given for text in (each, *following.get(id(each), ()))]
        values = [(each, names[each]) for each in order]
        names.clear()
        names.update(values)
        self.given.clear()
        self.frame = None

    def _names(self) -> dict[str, Any]:
        assert self.frame is not None  # else nothing is awaited
        return self.frame.f_locals


class Namespaces:
    """In a trial. `files` are those whose modules have been watched since they began, `asked` is for which of their
    names somebody has asked, and `pytest` and `pluggy` are directories.
    """

    def __init__(self, files: set[str], asked: set[Name], pytest: str, pluggy: str) -> None:
        self.executing: list[_Watched] = []
        """Modules whose code is being executed, the innermost comes last."""
        self._files = files
        self._asked = asked
        self._pytest = pytest
        self._pluggy = pluggy
        self._watched: dict[str, _Watched] = {}
        """By file."""
        self._noticing: dict[int, tuple[str, str]] = {}
        """By number: the files of names that notice, and these, which thereby stay."""
        self._kind = _kind(self._notice)
        self._is_at_work = False
        self._is_blind = _ALL in asked
        self._listings = 0
        """How many are being made, one within the other."""

    def begin(self, loaded: Iterable[tuple[str, dict[str, Any], list[CodeType]]]) -> None:
        """From now on; files, namespaces and codes of what was executed before."""
        files = set(self._files)
        self._files.clear()
        for file, names, codes in loaded:
            if file in files:
                known = set().union(*map(candidates, codes))
                values = [(self._made(file, each) if each in known else each, value) for each, value in names.items()]
                with self._at_work():
                    names.clear()
                    names.update(values)
                self._watch(file, names)

    def enter(self, frame: FrameType, is_new: bool) -> None:
        """Code of a module is about to be executed in this frame, `is_new` for the first time."""
        file, names = frame.f_code.co_filename, frame.f_locals
        if self._is_blind:
            return
        if file not in self._watched and is_new:
            self._watch(file, names)
        watched = self._watched.get(file)
        if watched is None or watched.number != id(names) or watched.frame is not None:
            self._files.discard(file)
            return
        watched.frame = frame
        self.executing.append(watched)
        with self._at_work():
            watched.await_names([self._made(file, each) for each in candidates(frame.f_code) if each not in names])

    def leave(self) -> None:
        """What is executed in the innermost frame ends."""
        watched = self.executing.pop()
        self._let_go(watched, list(watched.awaited.values()))
        with self._at_work():
            watched.end()

    def note_words(self, words: Iterable[str]) -> None:
        """Somebody's own code has these."""
        if any(map(_GIVE_NAMESPACES.search, words)):
            self._give_up()

    def note_method(self, owner: Any, frame: FrameType) -> None:
        """A dictionary, or something that shows one, is about to give its values."""
        shown = owner if issubclass(type(owner), dict) else _referents(owner)[0]
        if issubclass(type(shown), dict):
            for text in [each for each in dict.__iter__(shown) if id(each) in self._noticing]:
                self._notice(text, frame)

    def note_import(self, name: str) -> None:
        """Of a module that is being executed: its names may be copied."""
        module = sys.modules.get(name)
        names = namespace(module) if module is not None and _is_module(module) else {}
        for watched in self.executing:
            if watched.number == id(names):
                self._let_go(watched, list(watched.awaited.values()))

    def begin_listing(self) -> None:
        """Names of something are about to be listed."""
        self._listings += 1
        with self._at_work():
            for watched in self.executing:
                watched.hide()

    def end_listing(self) -> None:
        """They have been."""
        self._listings -= 1
        with self._at_work():
            for watched in self.executing if self._listings == 0 else ():
                watched.show()

    def end(self) -> None:
        """No more is done: let all be as it was."""
        while self.executing:
            self.leave()
        self._is_at_work = True
        here = {id(each): each for each in map(namespace, filter(_is_module, list(sys.modules.values())))}
        for names in here.values():
            if any(type(each) is self._kind for each in names):
                items = [(str.__str__(each), value) for each, value in names.items()]
                names.clear()
                names.update(items)
        self._files.intersection_update(file for file, watched in self._watched.items() if watched.number in here)

    def _watch(self, file: str, names: dict[str, Any]) -> None:
        self._watched[file] = _Watched(names)
        self._files.add(file)

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """What is done meanwhile is done by nobody else."""
        before, self._is_at_work = self._is_at_work, True
        try:
            yield
        finally:
            self._is_at_work = before

    def _give_up(self) -> None:
        """It is not known any more who asks for names."""
        self._is_blind = True
        self._asked.add(_ALL)
        self._files.clear()
        for watched in self.executing:
            self._let_go(watched, list(watched.awaited.values()))

    def _let_go(self, watched: _Watched, texts: list[str]) -> None:
        """Nobody is to find these names, which the module does not have yet."""
        with self._at_work():
            self._asked.update((self._noticing[id(each)][0], str.__str__(each)) for each in texts)
            watched.let_go(texts)

    def _made(self, file: str, text: str) -> str:
        made = self._kind(text)
        self._noticing[id(made)] = file, made
        return made

    def _notice(self, text: str, frame: FrameType) -> None:
        """A name is compared with another that is equal, or with any by order, or told, or its value is."""
        if self._is_at_work or id(text) not in self._noticing:  # a copy, which is in no namespace
            return
        try:
            self._note(text, frame)
        except Exception:  # of the program, if it came out of here
            self._give_up()

    def _note(self, text: str, frame: FrameType) -> None:
        file, _ = self._noticing[id(text)]
        watched = self._watched.get(file)
        is_awaited = watched is not None and id(text) in watched.awaited
        if watched is not None and frame is watched.frame and frame.f_code.co_code[frame.f_lasti] == _STORES:
            if is_awaited:
                with self._at_work():
                    watched.is_given(text)
            return
        if watched is not None and is_awaited:
            self._let_go(watched, [text])  # dictionaries begin anew where they have changed meanwhile
        reader = frame.f_code
        is_known = reader.co_filename.startswith(world.OURS) or self._is_for_factories(frame)
        if not is_known and not (reader.co_filename.startswith(self._pluggy) and reader.co_name in _REGISTER):
            self._asked.add((file, str.__str__(text)))

    def _is_for_factories(self, frame: FrameType | None) -> bool:
        for _ in range(_MOST_HELPERS):
            if frame is None or not frame.f_code.co_filename.startswith(self._pytest):
                return False
            if frame.f_code.co_name == _READ_FACTORIES:
                return True
            frame = frame.f_back
        return False


def _kind(notice: Callable[..., None]) -> type[str]:
    """The class of names that notice; it looks like that of texts."""

    class Noticing(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            is_same = str.__eq__(self, other)
            if is_same is True:
                notice(self, _get_frame(1))
            return is_same

        def __hash__(self) -> int:
            notice(self, _get_frame(1))
            return str.__hash__(self)

        def __lt__(self, other: str) -> bool:
            notice(self, _get_frame(1))
            return str.__lt__(self, other)

        def __gt__(self, other: str) -> bool:
            notice(self, _get_frame(1))
            return str.__gt__(self, other)

        def __repr__(self) -> str:
            notice(self, _get_frame(1))
            return str.__repr__(self)

        def __str__(self) -> str:
            notice(self, _get_frame(1))
            return str.__str__(self)

        def __format__(self, specification: str) -> str:
            notice(self, _get_frame(1))
            return str.__format__(self, specification)

    Noticing.__name__ = Noticing.__qualname__ = str.__name__
    Noticing.__module__ = str.__module__
    return Noticing
