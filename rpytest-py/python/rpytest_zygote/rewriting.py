"""Modules that pytest rewrites for their assertions, made ahead: those of installed plugins.

In a run they are loaded by the hook of its session, so that is whose they become when they are handed out. See
docs/design/shelf.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType
    from typing import Any

HOOK = "AssertionRewritingHook"
PATTERNS = ("test_*.py", "*_test.py")
"""pytest's own `python_files`."""


class _State:
    """Stands for the state that the hook keeps in a session's config."""

    mode = "rewrite"
    hook = None

    def trace(self, message: str) -> None:
        """Nobody listens."""


class _Config:
    """What the hook asks of a session's config, by default."""

    def __init__(self, stash: Any) -> None:
        self.stash = stash

    def getini(self, name: str) -> Any:
        return list(PATTERNS) if name == "python_files" else False


def install() -> Any:
    """Put a hook like that of a session, which knows the installed plugins, first on `sys.meta_path`."""
    rewrite, config = sys.modules["_pytest.assertion.rewrite"], sys.modules["_pytest.config"]
    stash = sys.modules["_pytest.stash"].Stash()
    stash[rewrite.assertstate_key] = _State()
    hook = rewrite.AssertionRewritingHook(_Config(stash))
    files = [
        str(file)
        for distribution in sys.modules["importlib.metadata"].distributions()
        if any(point.group == "pytest11" for point in distribution.entry_points)
        for file in distribution.files or []
    ]
    hook._must_rewrite.update(config._iter_rewritable_modules(files))
    sys.meta_path.insert(0, hook)
    return hook


def remove(hook: Any) -> None:
    """Take it away again."""
    sys.meta_path.remove(hook)


def is_rewritten(module: ModuleType) -> bool:
    """Whether a hook has loaded it."""
    return type(getattr(module, "__loader__", None)).__name__ == HOOK


def session_hook() -> Any:
    """The hook of this session; None where it has none."""
    return next((finder for finder in sys.meta_path if type(finder).__name__ == HOOK), None)


def adopt(modules: Iterable[tuple[str, ModuleType]], hook: Any) -> None:
    """Make modules those that `hook` has loaded."""
    for name, module in modules:
        spec: Any = module.__spec__
        module.__loader__ = spec.loader = hook
        hook._rewritten_names[name] = Path(spec.origin)
