"""What has been done with the code of a project's files on the way: which of it has been executed, and what of it
somebody has seen.

Code of which neither is true may be another one in a run (`bodies`). See docs/design/latency.md.
"""

from __future__ import annotations

import dis
import gc
import os
import sys
from types import (
    AsyncGeneratorType,
    CodeType,
    CoroutineType,
    FrameType,
    FunctionType,
    GeneratorType,
    ModuleType,
    TracebackType,
)
from typing import Any, NamedTuple

from rpytest_zygote import world
from rpytest_zygote.codes import LINE, is_of_class
from rpytest_zygote.names import Namespaces, namespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Key = tuple[str, int, str]

_CODES = (
    (FunctionType, "__code__"),
    (FrameType, "f_code"),
    (GeneratorType, "gi_code"),
    (CoroutineType, "cr_code"),
    (AsyncGeneratorType, "ag_code"),
)
"""The attributes by which code is got at: audit hooks hear of each."""
_FRAMES = {"gi_frame": "gi_code", "cr_frame": "cr_code", "ag_frame": "ag_code"}
"""Those by which frames are, beside `tb_frame`, and the code of these."""
_FRAME_OF_TRACEBACK = "tb_frame"
ATTRIBUTE, STACK = "object.__getattr__", "sys._getframe"
"""Audit events."""
_LINES = {"tb_lineno", LINE}
"""Attributes that tell a line, and of which no hook hears."""
_STORES = "STORE_NAME"
_LIBRARY = os.path.dirname(os.__file__) + os.sep
_PACKAGES = "-packages" + os.sep
_INSPECT = _LIBRARY + "inspect.py"
_ASKS_FOR_ARGUMENTS = {"_has_code_flag", "_signature_from_function", "_signature_is_functionlike", "isfunction"}
"""Functions of `inspect` that look at kind and arguments of code, and not at its lines."""
_ASKS_FOR_PLACES = {"getfile", "findsource", "getframeinfo", "getlineno"}
"""Those that look at its file and its lines."""
_VARNAMES = "varnames"
"""The function of pluggy that looks at arguments."""
_ASKS_FOR_NAMES = (
    *(_LIBRARY + path for path in (os.path.join("collections", "__init__.py"), "typing.py", "enum.py")),
    *(_PACKAGES + os.path.join("pydantic", name) for name in ("main.py", "type_adapter.py")),
    *(_PACKAGES + os.path.join("pydantic", "_internal", name) for name in ("_typing_extra.py", "_generics.py")),
    _PACKAGES + os.path.join("attr", "_make.py"),
    _PACKAGES + "typing_extensions.py",
)
"""Files that look at frames for the names in them, and not for their lines."""
_get_objects = gc.get_objects  # it is replaced where objects are frozen
_REGISTRY = "__warningregistry__"
_END = "__del__"
_NOTHING, _LINE, _ALL_OF_IT = range(3)
"""What somebody sees of code."""
_ALL = "*"
"""Stands for all files."""


def is_of_project(file: str) -> bool:
    """Whether a file is neither of the standard library nor of an installed package."""
    return "-packages" not in file and not file.startswith(("<", *world.OURS)) and not world.is_standard(file)


def key(code: CodeType) -> Key:
    """What tells code from others, but for functions without a name in one line."""
    return code.co_filename, code.co_firstlineno, code.co_name


class Touched(NamedTuple):
    """Of code of a project's files, what has happened to it."""

    executed: set[Key]
    seen: set[Key]
    """Somebody may have seen all of it."""
    held: set[Key]
    """It is being executed, or something holds it that goes on with it or tells of it."""
    asked: set[tuple[str, str]]
    """Names that somebody may have asked for, by the files of their modules."""
    seen_files: set[str]
    """That holds for all code of these."""
    placed_files: set[str]
    """Somebody may have seen in which line something of these is."""
    watched_files: set[str]
    """Of whose modules it is known who has asked for names."""

    def encode(self) -> list[list[Any]]:
        """For another process."""
        return [sorted(each) for each in self]

    @classmethod
    def decode(cls, encoded: list[list[Any]]) -> Touched:
        """What another process has encoded."""
        *codes, asked, seen, placed, watched = encoded
        executed, shown, held = ({(*each,) for each in keys} for keys in codes)
        return cls(executed, shown, held, {(*each,) for each in asked}, set(seen), set(placed), set(watched))

    def is_executed(self, code: CodeType) -> bool:
        """Or may be at any moment."""
        return key(code) in self.executed or code.co_name == _END

    def is_placed(self, code: CodeType) -> bool:
        """Whether it would be noticed in another line."""
        return not self.placed_files.isdisjoint((code.co_filename, _ALL))

    def is_seen(self, code: CodeType) -> bool:
        """Whether another one would be noticed."""
        found = key(code)
        return found in self.seen or found in self.held or code.co_filename in self.seen_files

    def is_free(self, code: CodeType, name: str) -> bool:
        """Whether nobody would notice another constant of this name in the module that this code makes."""
        return code.co_filename in self.watched_files and (code.co_filename, name) not in self.asked

    def move(self, pairs: list[tuple[CodeType, CodeType]]) -> None:
        """Each of these is in the place of another now."""
        for keys in (self.executed, self.seen, self.held):
            moved = {key(new) for old, new in pairs if key(old) in keys}
            keys.difference_update([key(old) for old, _ in pairs])
            keys.update(moved)


def untouched() -> Touched:
    """Nothing has happened yet."""
    return Touched(*(set() for _ in Touched._fields))


class Touches:
    """Takes down what a witness sees, beside what has been known before; `pytest` and `pluggy` are directories."""

    def __init__(self, before: Touched, pytest: str, pluggy: str) -> None:
        self.touched = Touched.decode(before.encode())
        self.touched.held.clear()
        self._pytest = pytest
        self._pluggy = pluggy
        self.namespaces = Namespaces(self.touched.watched_files, self.touched.asked, pytest, pluggy)

    def note_module(self, frame: FrameType) -> None:
        """Code of a module is about to be executed in this frame."""
        if is_of_project(frame.f_code.co_filename):
            self.namespaces.enter(frame, key(frame.f_code) not in self.touched.executed)

    def note_call(self, code: CodeType) -> None:
        """It is about to be executed."""
        if is_of_project(code.co_filename):
            self.touched.executed.add(key(code))

    def note_names(self, code: CodeType, names: set[str]) -> None:
        """Somebody's own code has these."""
        found = names & _LINES
        if found == {LINE} and is_of_class(code):  # it makes that itself
            found = {each.opname for each in dis.get_instructions(code) if each.argval == LINE} - {_STORES}
        if found:
            self.touched.placed_files.add(_ALL)
        if "-packages" not in code.co_filename:
            self.namespaces.note_words(names)

    def note_attribute(self, owner: Any, name: str, frame: FrameType) -> None:
        """Code in this frame asks for an attribute that audit hooks hear of."""
        if name == _FRAME_OF_TRACEBACK and type(owner) is TracebackType:
            self._place(owner.tb_frame.f_code)
            return
        asked = _FRAMES.get(name, name)
        code = getattr(owner, asked) if _code_attribute(type(owner)) == asked else None
        if code is None or not is_of_project(code.co_filename):
            return
        sees = _LINE if asked != name else self._sees(frame.f_code, type(owner) is FrameType)
        if sees >= _LINE:
            self._place(code)
        if sees == _ALL_OF_IT:
            if type(owner) is FrameType:
                self.touched.seen_files.add(code.co_filename)
            else:
                self._see(code)

    def _sees(self, reader: CodeType, is_frame: bool) -> int:
        """What this code sees of the code of a function, or that of a frame."""
        file, function = reader.co_filename, reader.co_name
        if file.startswith(world.OURS):
            return _NOTHING
        if file == _INSPECT:
            return _NOTHING if function in _ASKS_FOR_ARGUMENTS else _sees_places(function)
        if file.startswith(self._pluggy):
            return _NOTHING if function == _VARNAMES else _LINE
        if file.startswith(self._pytest) or (is_frame and world.is_standard(file)):
            return _NOTHING if file.endswith(_ASKS_FOR_NAMES) else _LINE
        return _NOTHING if is_frame and file.endswith(_ASKS_FOR_NAMES) else _ALL_OF_IT

    def note_look_at_stack(self, frame: FrameType) -> None:
        """Code in this frame asks for it, or for another below it."""
        if frame.f_code.co_filename.endswith(_ASKS_FOR_NAMES) or frame.f_code.co_filename.startswith(world.OURS):
            return
        for each in _stack(frame):
            self._place(each.f_code)

    def end(self, frame: FrameType) -> None:
        """No more is done: look for what goes on later, and what has been kept of lines.

        Nothing is frozen any more, as the witness has asked for generators of random numbers.
        """
        for each in _stack(frame):
            self._hold(each.f_code)
        objects = _get_objects()  # not in a new list: that would list itself, and hold all until it is collected
        objects += sys.modules.values()  # which may be frozen
        for value in objects:
            kind = type(value)
            if issubclass(kind, ModuleType):
                names = namespace(value)
                if _REGISTRY in names:
                    self.touched.placed_files.add(str(names.get("__file__")))
            elif kind is TracebackType:
                self._hold(value.tb_frame.f_code)
            elif kind is not FunctionType and _code_attribute(kind):
                self._hold(getattr(value, _code_attribute(kind)))

    def _see(self, code: CodeType) -> None:
        if is_of_project(code.co_filename):
            self.touched.seen.add(key(code))

    def _hold(self, code: CodeType) -> None:
        if is_of_project(code.co_filename):
            self.touched.held.add(key(code))

    def _place(self, code: CodeType) -> None:
        if is_of_project(code.co_filename):
            self.touched.placed_files.add(code.co_filename)


def _sees_places(function: str) -> int:
    return _LINE if function in _ASKS_FOR_PLACES else _ALL_OF_IT


def _code_attribute(kind: type) -> str:
    """That of objects of this kind; no metaclass is asked."""
    return next((name for each, name in _CODES if each is kind), "")


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
