"""Functions whose bodies were edited while a process waits for runs, and constants: in each run they are the new ones.

Who edits mostly edits what functions do. As long as nobody has called a function on the way, nor seen its code, a run
with another body would have come to the same place. The same is true of a constant for which nobody has asked. So a run
may begin there all the same, where the file holds something else than on the way in such places only. See
docs/design/latency.md.
"""

from __future__ import annotations

import _weakref  # `weakref` imports more
import gc
import sys
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import Any

from rpytest_zygote.assigned import is_same_value, reassigned
from rpytest_zygote.codes import (
    LINE,
    Constants,
    inner,
    interface,
    is_in_place,
    is_of_class,
    is_of_function,
    is_same,
    own,
)
from rpytest_zygote.loaders import compiled, executed_by, readable_code
from rpytest_zygote.names import MODULE, namespace
from rpytest_zygote.reads import content
from rpytest_zygote.touches import Touched, is_of_project, untouched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from importlib.machinery import ModuleSpec
    from types import FrameType

    Pairs = list[tuple[CodeType, CodeType]]

_MOST = 8
"""Files: each run reads them anew, and for more it is better to begin anew once, as when a branch is checked out."""
_HAVE_LINES = sys.version_info >= (3, 13)
"""Whether classes know in which line they stand."""
_Reference: Any = _weakref.ReferenceType
_get_objects = gc.get_objects  # it is replaced where objects are frozen


class _Loaded:
    """A module that a loader has executed. Nothing of it is held but code."""

    def __init__(self, spec: ModuleSpec) -> None:
        self.reference = _Reference(spec)
        self.executed: list[CodeType] = []
        self.code: CodeType | None = None
        """What was executed, as a whole."""
        self._writes = not sys.dont_write_bytecode

    def read(self, is_session: bool) -> CodeType | None:
        """What would be executed now."""
        spec = self.reference()
        return None if spec is None else readable_code(spec.loader, spec, is_session and self._writes)

    def names(self) -> dict[str, Any] | None:
        """The namespace of the module, where that can be imported."""
        spec = self.reference()
        module = None if spec is None else sys.modules.get(spec.name)
        if module is None or not issubclass(type(module), ModuleType):
            return None
        found = namespace(module)
        return found if found.get("__spec__") is spec else None


_loaded: dict[str, dict[tuple[str, str], _Loaded]] = {}
"""By file, and by how loaders execute it (pytest's makes other code of it) and name. What is executed again is the
same."""
_functions: dict[str, list[Any]] = {}
"""Weak references to the functions of each file: what is frozen no collector lists."""
_classes: dict[str, list[Any]] = {}
"""Those to the classes that know in which line they stand, by the names of their modules."""
_touched: list[Touched] = [untouched()]
"""What has happened to the code in this process: one."""


def note_executed(code: CodeType, frame: FrameType) -> None:
    """Code is about to be executed by what runs in this frame."""
    if not is_of_project(code.co_filename):
        return
    found = executed_by(frame)
    if found is None:
        return
    how, spec, is_whole = found
    others, key = _loaded.setdefault(code.co_filename, {}), (how, spec.name)
    loaded = others.get(key)
    if is_whole or loaded is None or loaded.reference() is not spec:
        loaded = others[key] = _Loaded(spec)
    loaded.executed.append(code)
    loaded.code = code if is_whole else None


def let_go() -> None:
    """Of all that is known here."""
    for known in (_loaded, _functions, _classes):
        known.clear()


def touched() -> Touched:
    """What has happened to the code of this process."""
    return _touched[0]


def modules() -> Iterator[tuple[str, dict[str, Any], list[CodeType]]]:
    """Those that loaders have executed: file, namespace, and what of the code has been executed."""
    for file, several in _loaded.items():
        for loaded in several.values() if len(several) == 1 else ():
            names = loaded.names()
            if names is not None:
                yield file, names, loaded.executed


def settle(sources: Iterable[str], now: Touched) -> None:
    """The process waits from now on; these files were loaded, and this has happened to their code."""
    _touched[:] = [now]
    files = _loaded.keys() & set(sources)
    names = {name for file in files for _, name in _loaded[file]}
    for loaded in [each for file in files for each in _loaded[file].values()]:
        if loaded.code is None:
            loaded.code = loaded.read(is_session=False)
    for value in _get_objects():
        kind = type(value)
        if kind is FunctionType:
            if value.__code__.co_filename in files:
                _functions.setdefault(value.__code__.co_filename, []).append(_Reference(value))
        elif issubclass(kind, type) and _HAVE_LINES:
            name = _namespace(value).get("__module__")
            if type(name) is str and name in names:
                _classes.setdefault(name, []).append(_Reference(value))


def renew(files: Iterable[str], is_session: bool) -> None:
    """Give the functions of these files their code as it is now. It raises an exception where that cannot be."""
    for file in files:
        changes = [_Change(file, name, loaded, is_session) for (_, name), loaded in _loaded[file].items()]
        for reference in _functions.get(file, ()):
            function = reference()
            code = None if function is None else _code_for(function, changes)
            if code is not None:
                function.__code__ = code
        for change in changes:
            change.move_classes()
            change.assign()
        touched().move([pair for each in changes for pair in each.pairs])


def _namespace(kind: type) -> Any:
    """Of a class, whatever its own class makes of that."""
    return type.__getattribute__(kind, "__dict__")


def _code_for(function: FunctionType, changes: list[_Change]) -> CodeType | None:
    """What it is to do now; None: it is not of this file's making."""
    found = [(each, code) for each in changes for code in each.codes(function.__code__)]
    if len(found) > 1:  # a file that is two modules
        spec = function.__globals__.get("__spec__")
        found = [(each, code) for each, code in found if each.spec is spec] or found
    if not all(is_same(code, found[0][1]) for _, code in found):
        raise RuntimeError(f"two functions cannot be told apart: {function.__code__}")
    return found[0][1] if found else None


class _Change:
    """What a loader would execute now; a run cannot go on with it where this raises an exception."""

    def __init__(self, file: str, name: str, loaded: _Loaded, is_session: bool) -> None:
        old, new = loaded.code, loaded.read(is_session)
        if old is not None and new is not None:
            new = Constants(loaded.executed).give_to(new)
            pairs = replacements(old, new, touched())
        if old is None or new is None or pairs is None:
            raise RuntimeError(f"more than bodies of functions has changed in {file}")
        self.pairs = pairs
        self.spec = loaded.reference()
        self._names = loaded.names()
        self._assigned = own(old) != own(new) and _assigned(old, new, touched())
        self._by_code: dict[CodeType, Pairs] = {}
        """By code, which may be equal to some of other lines."""
        for pair in pairs:
            self._by_code.setdefault(pair[0], []).append(pair)
        loaded.code, loaded.executed = new, [new]
        self._name = name

    def move_classes(self) -> None:
        """They know in which line they stand."""
        moved = [pair for pair in self.pairs if _HAVE_LINES and is_of_class(pair[0])]
        for kind in [reference() for reference in _classes.get(self._name, ())]:
            line = None if kind is None else _line_of(kind, moved)
            if line is not None and line != _namespace(kind)[LINE]:
                type.__setattr__(kind, LINE, line)

    def assign(self) -> None:
        """Give names the constants that they have now."""
        if not self._assigned:
            return
        names = self._names
        if names is None:
            raise RuntimeError(f"{self._name} cannot be found")
        for name, (old, new) in self._assigned.items():
            if not is_same_value(names.get(name, ...), old):
                raise RuntimeError(f"{name} of {self._name} is not what it was")
            names[name] = new

    def codes(self, replaced: CodeType) -> list[CodeType]:
        """Those in place of this: in one line there may be two that are equal."""
        return [new for old, new in self._by_code.get(replaced, ()) if is_same(old, replaced)]


def _line_of(kind: type, moved: Pairs) -> int | None:
    """In which line a class stands now, if it is known in which it stood. It may have been given another name since."""
    found = [pair for pair in moved if pair[0].co_firstlineno == _namespace(kind).get(LINE)]
    lines = {new.co_firstlineno for _, new in found}
    if len(lines) > 1:  # several in one line
        name = type.__getattribute__(kind, "__qualname__")
        lines = {new.co_firstlineno for old, new in found if getattr(old, "co_qualname", None) == name}
        if len(lines) != 1:
            raise RuntimeError(f"it is not known where {name} stands")
    return lines.pop() if lines else None


def replacements(old: CodeType, new: CodeType, touched: Touched) -> Pairs | None:
    """By which code that of functions is to be replaced, for a module to be as if it had been executed from `new`.

    None where that cannot be.
    """
    if touched.is_seen(old):
        return [(old, new)] if is_same(old, new) else None
    is_placed = touched.is_placed(old)
    if is_placed and old.co_firstlineno != new.co_firstlineno:
        return None
    if is_of_function(old) and not touched.is_executed(old):
        return [(old, new)] if interface(old) == interface(new) else None
    is_other = own(old) != own(new) or (is_placed and not is_in_place(old, new))
    if is_other and _assigned(old, new, touched) is None:
        return None
    pairs = [(old, new)]
    for one, other in zip(inner(old), inner(new)):
        found = replacements(one, other, touched)
        if found is None:
            return None
        pairs += found
    return pairs


def _assigned(old: CodeType, new: CodeType, touched: Touched) -> dict[str, tuple[Any, Any]] | None:
    """Which names the code of a module gives other constants, where nothing else is different."""
    if old.co_name != MODULE or is_of_function(old):
        return None
    return reassigned(old, new, partial(touched.is_free, old), touched.is_placed(old))


class Edits:
    """For the process that stayed behind: whether runs can go on with what files hold now."""

    def __init__(self, texts: dict[str, str], touched: Touched) -> None:
        self._texts = texts
        self._touched = touched
        self._compiled: dict[str, CodeType | None] = {}
        self._judged: dict[str, tuple[str, bool]] = {}
        """By file: the last other text, and whether that may be."""
        self.files: set[str] = set()
        """Those that were found to have been edited, since this was emptied."""

    def are_of_bodies(self, file: str) -> bool:
        """Whether this file, which has been written, holds nothing else but in bodies of functions that may be other
        ones."""
        now = content(file)
        if now is None or file not in self._texts or len(self.files - {file}) >= _MOST:
            return False
        if file not in self._judged or self._judged[file][0] != now:
            self._judged[file] = now, self._judge(file, now)
        self.files.add(file)
        return self._judged[file][1]

    def _judge(self, file: str, now: str) -> bool:
        then = self._texts[file]
        if now == then:
            return True
        if file not in self._compiled:
            self._compiled[file] = compiled(then, file)
        old, new = self._compiled[file], compiled(now, file)
        try:
            return old is not None and new is not None and replacements(old, new, self._touched) is not None
        except Exception:  # of code that nobody has thought of, such as numbers that are too long to be told
            return False
