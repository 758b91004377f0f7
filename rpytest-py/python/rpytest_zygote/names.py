"""Who looks into the namespaces of a project's modules on the way: by which names, or as a whole.

A constant that a module gives a name which nobody has looked for may be another one in a run (`bodies`). See
docs/design/latency.md.
"""

from __future__ import annotations

import _weakref  # `weakref` imports more
import builtins
import os
import sys
from types import CodeType, FrameType, ModuleType
from typing import Any

from rpytest_zygote import world
from rpytest_zygote.assigned import stored
from rpytest_zygote.codes import inner, is_of_module
from rpytest_zygote.loaders import EXECUTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rpytest_zygote.touches import Touched

ALL = "*"
"""Stands for all files."""
_PACKAGES = "-packages" + os.sep
_LIBRARY = os.path.dirname(os.__file__) + os.sep
ASK_FOR_NAMES = (
    *(_LIBRARY + path for path in (os.path.join("collections", "__init__.py"), "typing.py", "enum.py")),
    *(_PACKAGES + os.path.join("pydantic", name) for name in ("main.py", "type_adapter.py")),
    *(_PACKAGES + os.path.join("pydantic", "_internal", name) for name in ("_typing_extra.py", "_generics.py")),
    _PACKAGES + os.path.join("attr", "_make.py"),
    _PACKAGES + "typing_extensions.py",
)
"""Files that look at frames and namespaces for the name of a module, or have code executed there."""
_HAVE_CODE_EXECUTED = (
    *ASK_FOR_NAMES,
    _LIBRARY + "dataclasses.py",
    _PACKAGES + os.path.join("pydantic", "_internal", "_namespace_utils.py"),
    _PACKAGES + os.path.join("fastapi", "dependencies", "utils.py"),
)
"""Files that take a namespace to do so, and look for nothing there themselves but by methods of it."""
_BY_ATTRIBUTE = {"__globals__", "f_globals", "f_locals"}
"""Attributes that give a namespace, and of which no hook hears."""
_IMPORT_SYSTEM = "<frozen importlib"
_NAMESPACE: Any = vars(ModuleType)["__dict__"]
_WHOLE = "__dict__"
_READ_FACTORIES = "parsefactories"
"""The function of pytest that looks at everything in a plugin for fixtures, which constants are not."""
_MOST_HELPERS = 3
"""How far from it may be the one that looks."""
_Reference: Any = _weakref.ReferenceType
_get_frame = sys._getframe


def namespace(module: ModuleType) -> dict[str, Any]:
    """That of a module, whatever its own class makes of that; empty where it has none."""
    found: dict[str, Any] | None = _NAMESPACE.__get__(module)
    return {} if found is None else found


def of_code(code: CodeType) -> Iterator[str]:
    """All names in it, and in what is in it."""
    yield from code.co_names
    for each in inner(code):
        yield from of_code(each)


class Namespaces:
    """In a trial: modules are of a class that tells what they are asked for. `pytest` and `pluggy` are directories."""

    def __init__(self, touched: Touched, pytest: str, pluggy: str) -> None:
        self._touched = touched
        self._pytest = pytest
        self._pluggy = pluggy
        self._files: dict[int, str] = {}
        """By namespace."""
        self._modules: dict[int, tuple[Any, set[str]]] = {}
        """By namespace, with the names that they get by their own code."""
        self._kind = _kind(self._note)

    def watch(self, module: ModuleType, code: CodeType) -> None:
        """Into whose namespace this code is about to be executed, or has been."""
        number = id(namespace(module))
        if type(module) is ModuleType:
            self._files[number] = code.co_filename
            self._modules[number] = _Reference(module), set()
            module.__class__ = self._kind
        if type(module) is self._kind and number in self._modules:
            self._modules[number][1].update(stored(code))
        else:
            self._touched.listed_files.add(code.co_filename)

    def end(self) -> None:
        """No more is done: let them be as they were."""
        for number, (reference, names) in self._modules.items():
            module, file = reference(), self._files[number]
            if type(module) is self._kind:
                module.__class__ = ModuleType
                if next(reversed(namespace(module)), None) not in names:
                    self._touched.gained_files.add(file)
            elif module is not None:
                self._touched.listed_files.add(file)

    def note_names(self, names: Iterable[str]) -> None:
        """Somebody may look for these anywhere."""
        self._touched.named.update(names)

    def note_words(self, code: CodeType, words: set[str]) -> None:
        """Somebody's own code has these."""
        if not words.isdisjoint(_BY_ATTRIBUTE) and not code.co_filename.endswith(_HAVE_CODE_EXECUTED):
            self._touched.listed_files.add(ALL)

    def note_c_call(self, called: Any, owner: Any, frame: FrameType) -> None:
        """A function in C, or a method of `owner`, is about to be called."""
        file = None
        if type(owner) is dict:
            file = self._files.get(id(owner))
        elif owner is builtins and called.__name__ in ("globals", "locals", "vars", "dir"):
            is_here = called.__name__ == "globals" or is_of_module(frame.f_code)
            file = self._files.get(id(frame.f_globals)) if is_here else None
        reader = frame.f_code.co_filename
        if file is None or reader.startswith((_IMPORT_SYSTEM, *world.OURS)) or reader.endswith(ASK_FOR_NAMES):
            return
        if not self._is_for_factories(frame):
            self._touched.listed_files.add(file)

    def _note(self, module: ModuleType, name: str, frame: FrameType) -> None:
        reader = frame.f_code
        if self._is_for_factories(frame):
            return
        if name == _WHOLE:
            if not self._may_list(reader):
                self._touched.listed_files.add(self._files.get(id(namespace(module)), ALL))
        elif not reader.co_filename.startswith(world.OURS):
            self._touched.named.add(name)

    def _may_list(self, reader: CodeType) -> bool:
        file, function = reader.co_filename, reader.co_name
        if file.startswith(self._pytest):
            return function == EXECUTES
        if file.startswith(self._pluggy):
            return function == "register"
        return file.startswith((_IMPORT_SYSTEM, *world.OURS)) or file.endswith(_HAVE_CODE_EXECUTED)

    def _is_for_factories(self, frame: FrameType | None) -> bool:
        for _ in range(_MOST_HELPERS):
            if frame is None or not frame.f_code.co_filename.startswith(self._pytest):
                return False
            if frame.f_code.co_name == _READ_FACTORIES:
                return True
            frame = frame.f_back
        return False


def _kind(note: Any) -> Any:
    """The class of watched modules; it looks as theirs does."""

    class Watched(ModuleType):
        def __getattribute__(self, name: str) -> Any:
            note(self, name, _get_frame(1))
            return ModuleType.__getattribute__(self, name)

        def __setattr__(self, name: str, value: Any) -> None:
            note(self, name, _get_frame(1))
            ModuleType.__setattr__(self, name, value)

        def __delattr__(self, name: str) -> None:
            note(self, name, _get_frame(1))
            ModuleType.__delattr__(self, name)

    Watched.__name__ = Watched.__qualname__ = ModuleType.__name__
    Watched.__module__ = ModuleType.__module__
    return Watched
