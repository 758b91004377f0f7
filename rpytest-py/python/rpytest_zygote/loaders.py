"""Loaders of modules whose source is Python code: how they read it and execute it, as far as that is known.

See docs/design/latency.md.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from types import CodeType, ModuleType
from typing import Any

from rpytest_zygote.known import is_known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.machinery import ModuleSpec
    from types import FrameType

EXECUTES = "exec_module"
REWRITING = "_pytest.assertion.rewrite"
_NEWEST = (3, 13)
"""The last Python whose import system is known to execute a module so."""
_OF_SOURCE = "_bootstrap._call_with_frames_removed(exec, {}, module.__dict__)"
_OF_TESTS = "exec({}, module.__dict__)"
"""How loaders execute code."""
_BOOTSTRAP, _EXTERNAL = "<frozen importlib._bootstrap>", "<frozen importlib._bootstrap_external>"
_PATHLIB = os.path.join(os.path.dirname(os.__file__), "pathlib")
_executions: dict[Any, str] = {}
"""What is known of kinds of loaders: to find it out takes time."""


def execution(kind: Any) -> str:
    """How loaders of this kind execute code; empty: that is not known."""
    if kind not in _executions:
        _executions[kind] = _execution(kind)
    return _executions[kind]


def _execution(kind: Any) -> str:
    external: Any = sys.modules["_frozen_importlib_external"]
    if sys.version_info[:2] > _NEWEST:
        return ""
    if kind is external.SourceFileLoader:
        is_own = kind.exec_module.__code__.co_filename == external.cache_from_source.__code__.co_filename
        return _OF_SOURCE if is_own else ""
    hook: Any = vars(sys.modules.get(REWRITING, sys)).get("AssertionRewritingHook")
    return _OF_TESTS if kind is hook and is_known(hook.exec_module) else ""


def let_go() -> None:
    """Of kinds of loaders."""
    _executions.clear()


def is_of_tests(loader: Any) -> bool:
    """Whether it is pytest's, which rewrites assertions, and has no `get_code`."""
    return hasattr(loader, "config")


def read_code(loader: Any, spec: ModuleSpec) -> CodeType:
    """What this loader would execute."""
    if not is_of_tests(loader):
        found: CodeType = loader.get_code(spec.name)
        return found
    rewriting: Any = sys.modules[REWRITING]
    module = ModuleType(spec.name)
    module.__spec__ = spec
    executed: list[CodeType] = []
    rewriting.exec = lambda code, _: executed.append(code)
    try:
        type(loader).exec_module(loader, module)
    finally:
        del rewriting.exec
    return executed[0]


_READS = read_code.__code__


def readable_code(loader: Any, spec: ModuleSpec, writes: bool) -> CodeType | None:
    """The same, with no trace but bytecode where `writes`; None where that fails, or the compiler warns."""
    try:
        with compiling("error", writes):
            return read_code(loader, spec)
    except Exception:  # the compiler's, or the file's: it is for the run to find
        return None


def compiled(text: str, path: str) -> CodeType | None:
    """A module with this text, bytes as characters; None where that fails, or the compiler warns."""
    try:
        with compiling("error"):
            code: CodeType = compile(text.encode("latin-1"), path, "exec", dont_inherit=True)
            return code
    except Exception:  # as above
        return None


@contextmanager
def compiling(action: str, writes: bool = False) -> Iterator[None]:
    """What becomes of the compiler's warnings, with no trace; `writes`: bytecode is written."""
    warnings: Any = sys.modules["warnings"]
    filters, own = warnings.filters, sys.dont_write_bytecode
    warnings.filters = [(action, None, Warning, None, 0)]
    sys.dont_write_bytecode = not writes
    try:
        yield
    finally:
        warnings.filters, sys.dont_write_bytecode = filters, own


def executed_by(frame: FrameType | None) -> tuple[str, ModuleSpec, bool] | None:
    """How code is executed that this frame is about to execute, of which module, and whether that is all of it.

    None where it is not known who executes code there.
    """
    while frame is not None and frame.f_code.co_filename == _BOOTSTRAP and frame.f_code.co_name != EXECUTES:
        frame = frame.f_back
    if frame is None or frame.f_code.co_name != EXECUTES:
        return None
    kind: Any = type(frame.f_locals.get("self"))
    how = execution(kind)
    if not how:
        return None
    spec = frame.f_locals["module"].__spec__
    return (how, spec, frame.f_code is kind.exec_module.__code__) if type(spec.loader) is kind else None


def read_by(frame: FrameType | None) -> str | None:
    """The source of the module whose code this frame reads, where it is a loader's; None where it is not."""
    while frame is not None:
        code = frame.f_code
        if code is _READS:
            return frame.f_locals["spec"].origin or None
        if code.co_name == EXECUTES:
            found = executed_by(frame)
            return found[1].origin if found is not None else None
        file = code.co_filename
        rewriting = getattr(sys.modules.get(REWRITING), "__file__", None)
        if file not in (_BOOTSTRAP, _EXTERNAL, rewriting) and not file.startswith(_PATHLIB):
            return None
        frame = frame.f_back
    return None
