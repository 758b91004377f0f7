"""Modules that somebody edits are executed in two parts: the head on the way, the rest in each run, from the file as it
is then.

The *head* of a module is its text up to the last import before the first function or class: that is where the time
goes, and it seldom changes. A run may begin behind it, within the import, where the file still begins with the same
text. See docs/design/latency.md.
"""

from __future__ import annotations

import ast
import dis
import os
import sys
from contextlib import contextmanager
from types import CodeType, FunctionType, MethodType
from typing import Any, NamedTuple

from rpytest_zygote.known import is_known
from rpytest_zygote.reads import BEGINNING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    Body = list[ast.stmt]

_NEWEST = (3, 13)
"""The last Python whose import system is known to execute a module so."""
_EXECUTES = "exec_module"
_REWRITING = "_pytest.assertion.rewrite"
_OF_SOURCE = "_bootstrap._call_with_frames_removed(exec, co, module.__dict__)"
_OF_TESTS = "exec(co, module.__dict__)"
_FUTURE = 0x1FE0000
"""The flags of code that `from __future__` sets (`cpython/compile.h`)."""
_SMALL = range(-5, 257)
"""Numbers that are one object in the whole process."""
_IMPORTS = (ast.Import, ast.ImportFrom)
_NEVER_IN_A_HEAD = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda),
    *(ast.AnnAssign, ast.Assert, ast.JoinedStr),
)
# A program may replace it.
_exit = os._exit


class Watch(NamedTuple):
    """Where modules are to be halved."""

    files: Sequence[str]
    stop: Callable[[], None]
    """Called behind a head; returns in forks."""
    unseen: Callable[[], AbstractContextManager[None]]
    """What is done within is not part of the way."""
    note: Callable[[str, str], None]
    """Told how to look at which path to find the same head."""


_watches: list[Watch] = []
"""The one of this process, on its way."""
_begun: list[_Module] = []
"""Modules whose head is executed, or has been, and whose rest is still to come."""
_finds: list[Any] = []
"""`_find_spec` as it was, and what stands in for it."""
_loaders: list[Any] = []
"""The loader that is about to execute a module in our way."""


def begin(watch: Watch) -> None:
    """From now on, until `leave`, stop behind the heads of modules that are made from these files."""
    _watches[:] = [watch]
    bootstrap: Any = sys.modules["_frozen_importlib"]
    find_spec = bootstrap._find_spec

    def _find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec: ModuleSpec | None = find_spec(name, path, target)
        if spec is not None:
            _halve(spec)
        return spec

    # As in `shelf`.
    _find_spec.__code__ = _find_spec.__code__.replace(co_filename=find_spec.__code__.co_filename)
    bootstrap._find_spec = _find_spec
    _finds[:] = [find_spec, _find_spec]


def leave() -> None:
    """No import is halved any more; those that have begun go on."""
    bootstrap: Any = sys.modules["_frozen_importlib"]
    if _finds and bootstrap._find_spec is _finds[1]:
        bootstrap._find_spec = _finds[0]
    _finds.clear()
    _watches.clear()
    _as_they_were()


def unfit() -> str | None:
    """Why no run can go on from here."""
    lost = [each.path for each in _begun if not each.is_being_imported()]
    return f"the import of {lost[0]} has failed" if lost else None


def prepare() -> None:
    """In a session: read the rest of what has begun. It raises an exception where a run cannot go on from here."""
    for module in list(_begun):
        module.read(writes=True)


class _Parts(NamedTuple):
    whole: CodeType
    head: CodeType
    rest: CodeType
    length: int
    """Of the head's text, in bytes."""


class _Module:
    """One that is being executed: an iterator over its code, for who executes that."""

    def __init__(self, loader: Any, module: ModuleType) -> None:
        self._loader = loader
        self._module = module
        self._parts: _Parts | None = None
        self._steps = [self._first, self._second]
        self.path = _origin(module)

    def __iter__(self) -> Iterator[CodeType]:
        return self

    def __next__(self) -> CodeType:
        if not self._steps:
            raise StopIteration
        step = self._steps.pop(0)
        try:
            return step()
        except BaseException:
            if _watches:
                _exit(0)  # else it would be an error of the run, and the run would go on
            raise

    def _first(self) -> CodeType:
        _as_they_were()
        watch = _watches[0]
        if self.path in watch.files:
            with watch.unseen():
                self._parts = _parts(self._loader, self._module, writes=False)
        if self._parts is None:
            self._steps.clear()
            return _code(self._loader, self._module)
        watch.note(f"{BEGINNING}{self._parts.length}", self.path)
        _begun.append(self)
        return self._parts.head

    def _second(self) -> CodeType:
        if self in _begun:
            _watches[0].stop()
        if self in _begun:  # on the way to another place
            _code(self._loader, self._module)  # as always, and watched
            with _watches[0].unseen():
                self.read(writes=False)
        assert self._parts is not None  # `_first` has found them
        return self._parts.rest

    def read(self, writes: bool) -> None:
        """The rest, from the file as it is now; `writes`: and write bytecode."""
        begun = self._parts
        assert begun is not None  # its head is executed
        parts = _parts(self._loader, self._module, writes, begun.length)
        if parts is None or parts.head != begun.head:
            raise RuntimeError(f"{self.path} does not go on as it began")
        self._parts = parts
        _begun.remove(self)

    def is_being_imported(self) -> bool:
        """Whether its import has not come to an end."""
        spec = self._module.__spec__
        return spec is not None and sys.modules.get(spec.name) is self._module and getattr(spec, "_initializing", False)


def _halve(spec: ModuleSpec) -> None:
    """Have its loader execute it in two parts, if it is one of these, and known."""
    path = spec.origin or ""
    if not _watches or path not in _watches[0].files or not os.path.isabs(path):
        return
    loader: Any = spec.loader
    text = _execution(type(loader))
    if text is not None:
        original = getattr(type(loader), _EXECUTES)
        setattr(loader, _EXECUTES, MethodType(_like(original, text, lambda module: _Module(loader, module)), loader))
        _loaders.append(loader)


def _as_they_were() -> None:
    for loader in _loaders:
        vars(loader).pop(_EXECUTES, None)
    _loaders.clear()


def _execution(kind: Any) -> str | None:
    """How loaders of this kind execute code; None: that is not known."""
    external: Any = sys.modules["_frozen_importlib_external"]
    if sys.version_info[:2] > _NEWEST:
        return None
    if kind is external.SourceFileLoader:
        is_own = kind.exec_module.__code__.co_filename == external.cache_from_source.__code__.co_filename
        return _OF_SOURCE if is_own else None
    hook: Any = vars(sys.modules.get(_REWRITING, sys)).get("AssertionRewritingHook")
    return _OF_TESTS if kind is hook and is_known(hook.exec_module) else None


def _like(original: Any, text: str, modules: Callable[[Any], Iterator[CodeType]]) -> FunctionType:
    """A function whose frame looks like that of the original at the place where it executes code, but executes all that
    comes from `modules`, given the module."""
    code: CodeType = original.__code__
    line, *columns = _place(code)
    tree = ast.parse(f"def {code.co_name}(self, module, co=None):\n for co in co(module): {text}")
    for node in ast.walk(tree):
        if isinstance(node, (ast.stmt, ast.expr, ast.arg)):
            node.lineno = node.end_lineno = code.co_firstlineno if node is tree.body[0] else line
            node.col_offset, node.end_col_offset = columns
    compiled = compile(tree, code.co_filename, "exec", dont_inherit=True)
    own = next(each for each in compiled.co_consts if isinstance(each, CodeType))
    return FunctionType(own, original.__globals__, code.co_name, (modules,))


def _place(code: Any) -> tuple[int, int, int]:
    """Line and columns of the call by which it executes code."""
    if sys.version_info >= (3, 11):
        places = [(line or 0, start or 0, end or 0) for line, _, start, end in code.co_positions()]
    else:
        places = [(line or 0, 0, 0) for begin, end, line in code.co_lines() for _ in range(begin, end, 2)]
    found = [(each, places[each.offset // 2]) for each in dis.get_instructions(code)]
    where = next(place[0] for each, place in found if each.argval == "exec")
    return [place for each, place in found if place[0] == where and each.opname.startswith("CALL")][-1]


def _code(loader: Any, module: ModuleType) -> CodeType:
    """What this loader would execute."""
    if getattr(loader, "get_code", None) is not None:
        found: CodeType = loader.get_code(module.__name__)
        return found
    rewriting: Any = sys.modules[_REWRITING]
    executed: list[CodeType] = []
    rewriting.exec = lambda code, _: executed.append(code)
    try:
        type(loader).exec_module(loader, module)
    finally:
        del rewriting.exec
    return executed[0]


@contextmanager
def _strictly(writes: bool) -> Iterator[None]:
    """A warning of the compiler's is an error, and leaves no trace; `writes`: bytecode is written, if ever."""
    warnings: Any = sys.modules["warnings"]
    filters, own = warnings.filters, sys.dont_write_bytecode
    warnings.filters = [("error", None, Warning, None, 0)]
    sys.dont_write_bytecode = own or not writes
    try:
        yield
    finally:
        warnings.filters, sys.dont_write_bytecode = filters, own


def _parts(loader: Any, module: ModuleType, writes: bool, length: int | None = None) -> _Parts | None:
    """Of a module, as its file is now; `length` is that of its head, if it has one already."""
    try:
        with _strictly(writes):
            return _halves(loader, _code(loader, module), _content(_origin(module)), length)
    except Exception:  # the compiler's, or the file's: it is for the run to find
        return None


def _halves(loader: Any, whole: CodeType, source: bytes, length: int | None) -> _Parts | None:
    path = whole.co_filename
    tree = ast.parse(source, path)
    lines = source.splitlines(keepends=True)
    last = _last_of_head(tree.body) if length is None else len(source[:length].splitlines())
    text = b"".join(lines[:last])
    if not text.endswith(b"\n") or (length is not None and len(text) != length):
        return None
    head, rest = _divided(tree.body, last)
    if rest is None or not _texts(head).isdisjoint(_texts(rest)):
        return None
    if hasattr(loader, "config"):
        vars(sys.modules[_REWRITING])["rewrite_asserts"](tree, source, path, loader.config)
        head, rest = _divided(tree.body, last)
    if rest is None or compile(tree, path, "exec", dont_inherit=True) != whole:
        return None  # bytecode counts, and it is of another text
    if dis.opmap["SETUP_ANNOTATIONS"] in whole.co_code[::2]:
        head = [*head, _never(ast.parse("_: int").body, head[-1])]  # for `__annotations__` to be made first
    # What the compiler makes of a call depends on which names the module imports; of what is never executed, nothing.
    past = [each for each in head if not _is_of_the_future(each)]
    bodies = head, [_never(past, head[-1]), *rest]
    flags = whole.co_flags & _FUTURE
    first, second = (
        compile(ast.Module(body, type_ignores=[]), path, "exec", flags, dont_inherit=True) for body in bodies
    )
    if [*_inner(first), *_inner(second)] != _inner(whole):
        return None
    return _Parts(whole, first, second, len(text))


def _inner(code: CodeType) -> list[CodeType]:
    """Of functions and classes."""
    return [each for each in code.co_consts if isinstance(each, CodeType)]


def _last_of_head(body: Body) -> int:
    """The line in which the last import ends before anything that a head cannot have."""
    last = 0
    for statement in body:
        is_text = statement is body[0] and _is_text(statement)
        parts = [] if is_text or isinstance(statement, _IMPORTS) else list(ast.walk(statement))
        if any(map(_is_of_whole, parts)):
            break
        if any(isinstance(each, _IMPORTS) and not _is_of_the_future(each) for each in [statement, *parts]):
            last = statement.end_lineno or 0
    return last


def _is_of_the_future(node: ast.AST) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _is_of_whole(node: ast.AST) -> bool:
    """Whether the compiler may make of it what is one object in a whole module, and two in its parts; or code."""
    if isinstance(node, _NEVER_IN_A_HEAD):
        return True
    if isinstance(node, ast.Constant):
        value = node.value
        return not (value is None or value is ... or isinstance(value, (bool, str)) or value in _SMALL)
    operands: list[ast.AST] = []
    if isinstance(node, ast.BinOp):
        operands = [node.left, node.right]
    elif isinstance(node, ast.UnaryOp):
        operands = [node.operand]
    elif isinstance(node, ast.Tuple):
        operands = list(node.elts)
    return bool(operands) and all(isinstance(each, ast.Constant) for each in operands)


def _divided(body: Body, last: int) -> tuple[Body, Body | None]:
    """What ends in this line or before, and what begins behind it; None where something does neither."""
    head = [each for each in body if (each.end_lineno or each.lineno) <= last]
    rest = body[len(head) :]
    return head, (rest if head and all(_first_line(each) > last for each in rest) else None)


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(each.lineno for each in decorators)])


def _texts(body: Body) -> set[str]:
    """Those of which the compiler makes one object in a module, and there are others that are equal."""
    found = (each.value for part in body for each in ast.walk(part) if isinstance(each, ast.Constant))
    return {each for each in found if isinstance(each, str) and not each.isidentifier()}


def _is_text(statement: ast.stmt) -> bool:
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _never(body: Body, behind: ast.stmt) -> ast.stmt:
    """What the compiler reads, and makes no code of."""
    condition = ast.copy_location(ast.Constant(value=False), behind)
    return ast.copy_location(ast.If(condition, body, []), behind)


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _origin(module: ModuleType) -> str:
    spec = module.__spec__
    return (spec.origin or "") if spec is not None else ""
