"""Modules that somebody edits are executed in two parts: the head on the way, the rest in each run, from the file as it
is then.

The *head* of a module is its text up to the last import before the first function or class, or whatever else cannot be
told apart from the rest (`_last_of_head`). That is where the time goes, and it seldom changes. A run may begin behind
it, within the import, where the file still begins with the same text. See docs/design/latency.md.
"""

from __future__ import annotations

import ast
import dis
import os
import sys
from contextlib import suppress
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

from rpytest_zygote.codes import inner, is_same
from rpytest_zygote.loaders import EXECUTES, REWRITING, compiling, execution, is_of_tests, read_code
from rpytest_zygote.reads import BEGINNING, beginning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from importlib.machinery import ModuleSpec

    Body = list[ast.stmt]

_BEGIN, _HEAD, _REST = 0.125, 0.25, 0.5
"""Constants that stand for the methods of `_Module`, and for the code of a head."""
_FUTURE = 0x1FE0000
"""The flags of code that `from __future__` sets (`cpython/compile.h`)."""
_LAST_SINGLE = "\xff"
_SMALL = range(-5, 257)
"""Numbers that are one object in the whole process."""
_IMPORTS = (ast.Import, ast.ImportFrom)
_NEVER_IN_A_HEAD = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.AnnAssign, ast.Assert),
)
# A program may replace them.
_exit, _open = os._exit, open


class Watch(NamedTuple):
    """Where modules are to be halved."""

    files: Sequence[str]
    stop: Callable[[], None]
    """Called behind a head; returns in forks."""
    unseen: Callable[[], AbstractContextManager[None]]
    """What is done within is not part of the way."""
    note: Callable[[str, str], None]
    """Told of a look: how, and at which path."""


class _Finding(NamedTuple):
    """`importlib._bootstrap._find_spec` while there is a watch."""

    watch: Watch
    original: Any
    stands_in: Any


_finding: list[_Finding] = []
"""At most one."""
_found: list[_Module] = []
"""Modules that are about to be executed."""
_begun: list[_Module] = []
"""Modules whose head is executed, or has been, and whose rest is still to come."""
_read: list[CodeType] = []
"""The rests of those that this session goes on with."""


def begin(watch: Watch) -> None:
    """From now on, until `leave`, stop behind the heads of modules that are made from these files."""
    bootstrap: Any = sys.modules["_frozen_importlib"]
    find_spec = bootstrap._find_spec

    def _find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec: ModuleSpec | None = find_spec(name, path, target)
        if spec is not None and target is None:
            _halve(spec)
        return spec

    # As in `shelf`.
    _find_spec.__code__ = _find_spec.__code__.replace(co_filename=find_spec.__code__.co_filename)
    bootstrap._find_spec = _find_spec
    _finding[:] = [_Finding(watch, find_spec, _find_spec)]


def leave() -> None:
    """No import is halved any more; those that have begun go on, but for those that have come to an end."""
    bootstrap: Any = sys.modules["_frozen_importlib"]
    for watch, original, stands_in in _finding:
        if bootstrap._find_spec is stands_in:
            bootstrap._find_spec = original
        for module in [each for each in _begun if not each.is_being_imported()]:
            watch.note("open", module.path)  # its head has failed
            _begun.remove(module)
    for module in list(_found):
        module.forget()
    _finding.clear()


def prepare() -> None:
    """In a session: read the rest of what has begun. It raises an exception where a run cannot go on from here."""
    for module in list(_begun):
        _read.append(module.read(is_session=True))


def rests() -> list[CodeType]:
    """What `prepare` has read."""
    return _read


class _Parts(NamedTuple):
    head: CodeType
    rest: CodeType
    text: str
    """That of the head, its bytes as characters."""


class _Module:
    """One that is executed in two parts."""

    def __init__(self, loader: Any, spec: ModuleSpec, execution: str, parts: _Parts) -> None:
        self.path = spec.origin or ""
        self._loader = loader
        self._spec = spec
        self._execution = execution
        self._parts = parts
        self._writes = not sys.dont_write_bytecode  # as it was before the head, which may change that

    def await_execution(self) -> None:
        """Have the loader execute it so, once."""
        original = getattr(type(self._loader), EXECUTES)
        meant = {_BEGIN: self._begin, _HEAD: self._parts.head, _REST: self._rest}
        code = _like(original.__code__, self._execution, meant)
        setattr(self._loader, EXECUTES, MethodType(FunctionType(code, original.__globals__), self._loader))
        _found.append(self)

    def forget(self) -> None:
        """The loader executes as always."""
        vars(self._loader).pop(EXECUTES, None)
        _found.remove(self)

    def _begin(self, module: ModuleType) -> None:
        try:
            self.forget()
            _finding[0].watch.note(f"{BEGINNING}{len(self._parts.text)}", self.path)
            is_meant = module.__spec__ is self._spec  # somebody may look for modules, and execute others
            if not is_meant or beginning(self.path, len(self._parts.text)) != self._parts.text:
                _exit(0)
            _begun.append(self)
        except BaseException:
            _exit(0)  # as in `_rest`

    def _rest(self) -> CodeType:
        """What is to be executed when the head has been."""
        try:
            if self in _begun and not _is_lock_held():
                _finding[0].watch.stop()
            if self in _begun:  # not in a session, but on the way to another place
                read_code(self._loader, self._spec)  # as always, and watched
                with _finding[0].watch.unseen():
                    self.read(is_session=False)
        except BaseException:
            if _finding:
                _exit(0)  # else it would be an error of the run, and the run would go on
            raise
        return self._parts.rest

    def read(self, is_session: bool) -> CodeType:
        """The rest, from the file as it is now."""
        parts = _parts(self._loader, self._spec, is_session and self._writes, len(self._parts.text))
        if parts is None or not is_same(parts.head, self._parts.head):
            raise RuntimeError(f"{self.path} does not go on as it began")
        self._parts = parts
        _begun.remove(self)
        return parts.rest

    def is_being_imported(self) -> bool:
        """Whether its import has not come to an end."""
        return self._spec.name in sys.modules and getattr(self._spec, "_initializing", False)


def _is_lock_held() -> bool:
    """Whether who imports holds a lock that a fork makes anew, as `logging.config` does: it could not release it."""
    handlers: Any = vars(sys.modules.get("logging", sys)).get("_at_fork_reinit_lock_weakset", ())
    locks = [vars(sys.modules.get("logging", sys)).get("_lock"), *(each.lock for each in handlers)]
    futures = vars(sys.modules.get("concurrent.futures.thread", sys)).get("_global_shutdown_lock")
    is_owned = any(each is not None and each._is_owned() for each in locks)
    return is_owned or (futures is not None and futures.locked())


def _halve(spec: ModuleSpec) -> None:
    """Have its loader execute it in two parts, if it is one of these, and its loader is known."""
    watch = _finding[0].watch if _finding else None
    loader: Any = spec.loader
    if watch is None or spec.origin not in watch.files:
        return
    with watch.unseen(), suppress(Exception):  # then it is executed as always
        how = execution(type(loader))
        parts = _parts(loader, spec, writes=False) if how and EXECUTES not in vars(loader) else None
        if parts is not None:
            _Module(loader, spec, how, parts).await_execution()


def _like(original: Any, text: str, meant: dict[float, Any]) -> Any:
    """Code whose frame looks like that of the original at the place where it executes a module's, but executes two."""
    line, *columns = _place(original)
    parts = text.format(_HEAD), text.format(f"({_REST}).__call__()")
    tree = ast.parse(f"def {original.co_name}(self, module):\n ({_BEGIN}).__call__(module); {'; '.join(parts)}")
    for node in ast.walk(tree):
        if isinstance(node, (ast.stmt, ast.expr, ast.arg)):
            node.lineno = node.end_lineno = original.co_firstlineno if node is tree.body[0] else line
            node.col_offset, node.end_col_offset = columns
    own: Any = inner(_compiled(tree.body, original.co_filename))[0]
    constants = tuple(meant[each] if isinstance(each, float) else each for each in own.co_consts)
    names = {"co_qualname": original.co_qualname} if sys.version_info >= (3, 11) else {}
    return own.replace(co_consts=constants, **names)


def _place(code: Any) -> tuple[int, int, int]:
    """Line and columns of the call by which it executes code."""
    if sys.version_info >= (3, 11):
        places = [(line or 0, start or 0, end or 0) for line, _, start, end in code.co_positions()]
    else:
        places = [(line or 0, 0, 0) for begin, end, line in code.co_lines() for _ in range(begin, end, 2)]
    found = [(each, places[each.offset // 2]) for each in dis.get_instructions(code)]
    where = next(place[0] for each, place in found if each.argval == "exec")
    return [place for each, place in found if place[0] == where and each.opname.startswith("CALL")][-1]


def _parts(loader: Any, spec: ModuleSpec, writes: bool, length: int | None = None) -> _Parts | None:
    """Of a module, as its file is now; `length` is that of its head, if it has one already."""
    try:
        with compiling("error", writes):
            whole = read_code(loader, spec)
        with _open(spec.origin or "", "rb") as file:
            source = file.read()
        # Of a file of which it always warns no run could go on with another text.
        with compiling("error" if length is None else "ignore"):
            return _halves(loader, whole, source, length)
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
    if not all(map(_may_be_in_a_head, _divided(tree.body, last)[0])):
        return None  # behind a semicolon
    if is_of_tests(loader):
        vars(sys.modules[REWRITING])["rewrite_asserts"](tree, source, path, loader.config)
    head, rest = _divided(tree.body, last)
    if rest is None or not is_same(_compiled(tree.body, path), whole):
        return None  # bytecode counts, and it is of another text
    if dis.opmap["SETUP_ANNOTATIONS"] in whole.co_code[::2]:
        head = [*head, _never(ast.parse("_: int").body, head[-1])]  # for `__annotations__` to be made first
    # What the compiler makes of a call depends on which names the module imports; of what is never executed, nothing.
    past = _never([each for each in head if not _is_of_the_future(each)], head[-1])
    flags = whole.co_flags & _FUTURE
    first, second = _compiled(head, path, flags), _compiled([past, *rest], path, flags)
    parts = [*inner(first), *inner(second)]
    if len(parts) != len(inner(whole)) or not all(map(is_same, parts, inner(whole))):
        return None
    if not _unique(first).isdisjoint(_unique(_compiled(rest, path, flags))):
        return None
    return _Parts(first, second, text.decode("latin-1"))


def _compiled(body: Body, path: str, flags: int = 0) -> CodeType:
    code: CodeType = compile(ast.Module(body, type_ignores=[]), path, "exec", flags, dont_inherit=True)
    return code


def _unique(constant: Any) -> set[tuple[type, str]]:
    """Constants that are one object in a whole module, and two in its parts."""
    if isinstance(constant, CodeType):
        return {each for part in constant.co_consts for each in _unique(part)}
    if isinstance(constant, (tuple, frozenset)):  # itself it is of an import, or nobody sees it: `_may_be_in_a_head`
        return {each for part in constant for each in _unique(part)}
    if constant is None or constant is ... or isinstance(constant, bool):
        return set()
    if isinstance(constant, (str, bytes)):
        text = constant if isinstance(constant, str) else ""
        is_shared = (len(constant) <= 1 and text <= _LAST_SINGLE) or (
            text.isascii() and text.replace("_", "a").isalnum()
        )
    else:
        is_shared = type(constant) is int and constant in _SMALL
    return set() if is_shared else {(type(constant), repr(constant))}


def _last_of_head(body: Body) -> int:
    """The line in which the last import ends before anything that a head cannot have."""
    last = 0
    for statement in body:
        if not _may_be_in_a_head(statement):
            break
        if any(isinstance(each, _IMPORTS) and not _is_of_the_future(each) for each in ast.walk(statement)):
            last = statement.end_lineno or 0
    return last


def _may_be_in_a_head(statement: ast.stmt) -> bool:
    """Whether it has no code of its own, and no tuple that may be a constant."""
    parts = list(ast.walk(statement))
    tuples = [each for each in parts if isinstance(each, ast.Tuple)]
    return not any(isinstance(each, _NEVER_IN_A_HEAD) for each in parts) and all(
        any(isinstance(part, ast.Name) for part in ast.walk(each)) for each in tuples
    )


def _is_of_the_future(node: ast.AST) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _divided(body: Body, last: int) -> tuple[Body, Body | None]:
    """What ends in this line or before, and what begins behind it; None where something does neither."""
    head = [each for each in body if (each.end_lineno or each.lineno) <= last]
    rest = body[len(head) :]
    return head, (rest if head and all(_first_line(each) > last for each in rest) else None)


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(each.lineno for each in decorators)])


def _never(body: Body, behind: ast.stmt) -> ast.stmt:
    """What the compiler reads, and makes no code of."""
    condition = ast.copy_location(ast.Constant(value=False), behind)
    return ast.copy_location(ast.If(condition, body, []), behind)
