"""Who looks into the namespaces of a project's modules on the way.

A constant that a module gives a name which nobody has asked for may be another one in a run (`bodies`). In a trial the
names of such constants are texts that notice when they are looked for: dictionaries compare what is asked for with what
they have, and calls of their methods are told by the profiler. See docs/design/latency.md.
"""

from __future__ import annotations

import dis
import os
import sys
from contextlib import contextmanager
from types import CodeType, FrameType, ModuleType
from typing import Any

from rpytest_zygote import world
from rpytest_zygote.assigned import RETURNS, STORES, candidates

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Name = tuple[str, str]

MODULE = "<module>"
"""The name of its code."""
EVERYTHING = "*"
"""Stands for all names of a module."""
_GIVE_NAMESPACES = {
    *("__dict__", "__globals__", "f_globals", "f_locals", "globals", "locals", "vars"),
    *("get_objects", "get_referents", "get_referrers"),
}
"""Words in somebody's own code by which it may come to the values in a namespace, and no hook hears of it."""
_GIVE_VALUES = {"copy", "items", "pop", "popitem", "values"}
"""Methods of dictionaries that do so, even those of copies."""
_GET = "get"
_ABSENT = "__getattr__"
"""What modules look for when they do not have an attribute: a text for which nobody finds anything notices that."""
_NOTHING = object()
_STORES = dis.opmap[STORES]
_PACKAGES = "-packages" + os.sep
_LIBRARY = os.path.dirname(os.__file__) + os.sep
ASK_FOR_NAMES = (
    *(_LIBRARY + path for path in (os.path.join("collections", "__init__.py"), "typing.py", "enum.py")),
    *(_PACKAGES + os.path.join("pydantic", name) for name in ("main.py", "type_adapter.py")),
    *(_PACKAGES + os.path.join("pydantic", "_internal", name) for name in ("_typing_extra.py", "_generics.py")),
    _PACKAGES + os.path.join("attr", "_make.py"),
    _PACKAGES + "typing_extensions.py",
)
"""Files that look at frames for the name of a module."""
_IMPORT_SYSTEM = "<frozen importlib"
_INSPECT = _LIBRARY + "inspect.py"
_LOOK_FOR_WRAPPED = {"_is_wrapper", "unwrap"}
"""Its functions that ask everything for one attribute."""
_READ_FACTORIES = "parsefactories"
"""The function of pytest that looks at everything in a plugin for fixtures, which constants are not."""
_MOST_HELPERS = 3
"""How far from it may be the one that looks."""
_NAMESPACE: Any = vars(ModuleType)["__dict__"]
_get_frame = sys._getframe


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
        self.last: str | None = None
        """The name that came last, when all of the module's code had been executed."""
        self.frame: FrameType | None = None
        """In which its code is being executed."""
        self.begins_behind = 0
        """The number of the last name when that began."""
        self.awaited: dict[int, str] = {}
        """By number, names that code is to give a constant, and has not yet: they stand for `_NOTHING`."""
        self.given: list[tuple[str, int]] = []
        """Those that it has, in order, each with the number of the name that was the last then."""

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
            del self._names()[each], self.awaited[id(each)]

    def hide(self) -> None:
        """For a moment nobody is to find names that the module does not have yet."""
        for each in self.awaited.values():
            del self._names()[each]

    def show(self) -> None:
        """That is over."""
        self._names().update((each, _NOTHING) for each in self.awaited.values())

    def end(self) -> None:
        """The code has been executed: let names be in the order in which they were given."""
        self.let_go(self.awaited.values())
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
    """In a trial. `pytest` and `pluggy` are directories."""

    def __init__(self, files: set[str], complete: set[str], asked: set[Name], pytest: str, pluggy: str) -> None:
        self.executing: list[_Watched] = []
        """Modules whose code is being executed, the innermost comes last."""
        self._files = files
        """Those whose modules are watched from their beginning."""
        self._complete = complete
        """Those whose modules have the names that they were executed with, and nobody has seen which these are."""
        self._asked = asked
        """Names that somebody has asked for, by the files of their modules."""
        self._pytest = pytest
        self._pluggy = pluggy
        self._watched: dict[str, _Watched] = {}
        """By file."""
        self._numbers: dict[int, str] = {}
        """Files by the number of the namespace."""
        self._listed: set[str] = set()
        """Files of whose modules somebody may have seen which names there are."""
        self._noticing: dict[int, tuple[str, str]] = {}
        """By number: the files of names that notice, and these, which thereby stay."""
        self._kind = _kind(self._notice)
        self._is_at_work = False
        self._is_blind = False

    def begin(self, loaded: Iterable[tuple[str, dict[str, Any], CodeType]]) -> None:
        """From now on; files, namespaces and code of what was executed before."""
        files, complete = set(self._files), set(self._complete)
        self._files.clear()
        self._complete.clear()
        for file, names, code in loaded:
            if file in files:
                known = candidates(code)
                values = [(self._made(file, each) if each in known else each, value) for each, value in names.items()]
                last = next(reversed(names), None)
                with self._at_work():
                    names.clear()
                    names.update(values)
                self._watch(file, names).last = last if file in complete else None

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
        watched.last, watched.frame = None, frame
        self.executing.append(watched)
        with self._at_work():
            watched.await_names([self._made(file, each) for each in candidates(frame.f_code) if each not in names])

    def leave(self) -> None:
        """What is executed in the innermost frame ends."""
        watched = self.executing.pop()
        frame: Any = watched.frame
        with self._at_work():
            watched.end()
        if dis.opname[frame.f_code.co_code[frame.f_lasti]] in RETURNS:
            watched.last = next(reversed(frame.f_locals), None)

    def note_words(self, words: set[str]) -> None:
        """Somebody's own code has these."""
        if not words.isdisjoint(_GIVE_NAMESPACES):
            self._is_blind = True
            self._files.clear()
            with self._at_work():
                for watched in self.executing:
                    watched.let_go(watched.awaited.values())

    def note_method(self, owner: dict[Any, Any], name: str, frame: FrameType) -> None:
        """That of a dictionary is about to be called."""
        file = self._numbers.get(id(owner))
        if file is not None:
            if name != _GET or not frame.f_code.co_filename.endswith(ASK_FOR_NAMES):
                self._note(file, EVERYTHING, frame)
                self._let_go(file)
        elif name in _GIVE_VALUES:
            for file, text in [self._noticing[id(each)] for each in owner if type(each) is self._kind]:
                self._note(file, text, frame)

    def note_import(self, name: str) -> None:
        """Of a module that is being executed: its names may be copied."""
        module = sys.modules.get(name)
        file = self._numbers.get(id(namespace(module))) if module is not None and _is_module(module) else None
        if file is not None:
            self._let_go(file)

    def begin_listing(self) -> None:
        """Names of something are about to be listed."""
        with self._at_work():
            for watched in self.executing:
                watched.hide()

    def end_listing(self) -> None:
        """They have been."""
        with self._at_work():
            for watched in self.executing:
                watched.show()

    def end(self) -> None:
        """No more is done: let all be as it was."""
        self._is_at_work = True
        here = {id(each): each for each in map(namespace, filter(_is_module, list(sys.modules.values())))}
        for names in here.values():
            if any(type(each) is self._kind for each in names):
                items = [(str.__str__(each), value) for each, value in names.items() if value is not _NOTHING]
                names.clear()
                names.update(items)
        for file, watched in self._watched.items():
            names = here.get(watched.number, {})
            if not names:
                self._files.discard(file)
            elif file in self._files - self._listed and watched.last == next(reversed(names)):
                self._complete.add(file)

    def _watch(self, file: str, names: dict[str, Any]) -> _Watched:
        watched = self._watched[file] = _Watched(names)
        self._numbers[id(names)] = file
        self._files.add(file)
        if _ABSENT not in names:
            names[self._made(file, _ABSENT)] = _NOTHING
        return watched

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """What is done meanwhile is done by nobody else."""
        self._is_at_work = True
        yield
        self._is_at_work = False

    def _let_go(self, file: str, *texts: str) -> None:
        """Nobody is to find names that the module does not have yet: of these, or of all."""
        watched = self._watched[file]
        if watched.frame is not None:
            with self._at_work():
                found = list(texts or watched.awaited.values())
                self._asked.update((file, str.__str__(each)) for each in found)
                watched.let_go(found)

    def _made(self, file: str, text: str) -> str:
        made = self._kind(text)
        self._noticing[id(made)] = file, made
        return made

    def _notice(self, text: str, frame: FrameType, lists: bool = False) -> None:
        """A name is compared with another that is equal, told, or compared by order, as it is to list all."""
        if self._is_at_work:
            return
        file, _ = self._noticing[id(text)]
        watched = self._watched.get(file)
        is_awaited = watched is not None and id(text) in watched.awaited
        if watched is not None and frame is watched.frame and frame.f_code.co_code[frame.f_lasti] == _STORES:
            if is_awaited:
                with self._at_work():
                    watched.is_given(text)
            return
        if is_awaited:
            self._let_go(file, text)  # dictionaries begin anew where they have changed meanwhile
        self._note(file, None if lists or str.__eq__(text, _ABSENT) else text, frame)

    def _note(self, file: str, text: str | None, frame: FrameType) -> None:
        """Somebody asks for this name; None: for which there are."""
        reader = frame.f_code.co_filename
        if reader.startswith((_IMPORT_SYSTEM, self._pluggy, *world.OURS)) or self._is_for_factories(frame):
            return
        if text is not None:
            self._asked.add((file, str.__str__(text)))
        is_known = reader == _INSPECT and frame.f_code.co_name in _LOOK_FOR_WRAPPED
        if text in (None, EVERYTHING) and not is_known and not reader.startswith(self._pytest):
            self._listed.add(file)

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
                return not str.__eq__(self, _ABSENT)
            return is_same

        def __hash__(self) -> int:
            notice(self, _get_frame(1))
            return str.__hash__(self)

        def __lt__(self, other: str) -> bool:
            notice(self, _get_frame(1), lists=True)
            return str.__lt__(self, other)

        def __gt__(self, other: str) -> bool:
            notice(self, _get_frame(1), lists=True)
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
