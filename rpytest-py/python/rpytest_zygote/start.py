"""How an interpreter that is starting becomes a zygote, step by step. See docs/design/zygote.md.

This module, `anew`, `ending`, `telling`, `observe`, `warm` and `shelf` import little but builtins and what every
interpreter has at this point, and `enter` takes the rest out of `sys.modules`: the imports of a run must find that as
they would without us, or their order would be another.
"""

from __future__ import annotations

import os
import sys

from rpytest_zygote import observe, warm
from rpytest_zygote.anew import Doings
from rpytest_zygote.ending import Ending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

ZYGOTE_VARIABLE = "_RPYTEST_ZYGOTE"
"""Set by the daemon: the control socket's descriptor, then `:` and the PYTHONPATH to put back, if there was one."""

OPTIONS_VARIABLE = "_RPYTEST_OPTIONS"
"""Set by the daemon: the PYTEST_ADDOPTS to put back, if there was one."""
_WITHOUT_US = "-p rpytest_zygote_is_missing"
"""What the daemon has put in its place: without us it ends pytest."""


def enter(our_file: str, before: set[str]) -> ModuleType | None:
    """Serve until the daemon is gone, or, in a forked session, return the environment's own `sitecustomize`, if any.

    `before` names the modules that were there before ours.
    """
    ours = set(sys.modules) - before
    for name in ours - {"sitecustomize", *(name for name in ours if name.startswith("rpytest_zygote"))}:
        del sys.modules[name]  # `__future__`: a run imports it when its turn comes
    is_changed = os.environ.get("PYTEST_ADDOPTS") != _WITHOUT_US
    control = _disappear(os.path.dirname(our_file))
    start_up = observe.StartUp()
    start_up.must_run_anew("PYTEST_ADDOPTS" if is_changed else None)
    ending = Ending()
    own = _environments_own_sitecustomize(start_up, ours)
    start_up.note_changes()
    shelf, failure = warm.fill_shelf([name for name in sys.modules if name not in ours], start_up)

    def bring() -> Any:
        from rpytest_zygote import (
            zygote,
        )  # after the warm imports: it brings modules that they bring in their own order

        return zygote

    zygote = bring_apart(bring)
    zygote.serve(control, shelf, start_up, ending, failure)
    return own


def bring_apart(bring: Callable[[], Any]) -> Any:
    """Import more of ours, with no trace of it in what a run has."""
    writes_no_bytecode = sys.dont_write_bytecode
    sys.dont_write_bytecode = writes_no_bytecode or sys.pycache_prefix is not None  # as in sitecustomize.py
    expressions = _compiled_expressions()
    compiled = [dict(cache) for cache in expressions]
    try:
        return bring()
    finally:
        for cache, earlier in zip(expressions, compiled):
            cache.clear()  # of ours a run must not find any
            cache.update(earlier)
        sys.dont_write_bytecode = writes_no_bytecode


def _compiled_expressions() -> list[dict[Any, Any]]:
    """Where `re` keeps what it has compiled, if it is there."""
    expressions = vars(sys.modules["re"]) if "re" in sys.modules else {}
    return [expressions[name] for name in ("_cache", "_cache2") if name in expressions]


def _disappear(directory: str) -> int:
    """Take our directory off the path and our variables out of the environment; return the control descriptor."""
    control, had_path, python_path = os.environ.pop(ZYGOTE_VARIABLE).partition(":")
    if had_path:
        os.environ["PYTHONPATH"] = python_path
    else:
        del os.environ["PYTHONPATH"]
    options = os.environ.pop(OPTIONS_VARIABLE, None)
    if options is not None:
        os.environ["PYTEST_ADDOPTS"] = options
    else:
        os.environ.pop("PYTEST_ADDOPTS", None)
    sys.path[:] = [entry for entry in sys.path if entry != directory]
    sys.path_importer_cache.pop(directory, None)
    return int(control)


def _environments_own_sitecustomize(start_up: observe.StartUp, ours: set[str]) -> ModuleType | None:
    """Import what `site` would have found without us. It runs in the zygote, as it does once in every interpreter, and
    does not see the modules that are ours."""
    hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if name in ours}
    try:
        with Doings() as doings:
            import sitecustomize
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
        return None
    else:
        start_up.everything()
        start_up.must_run_anew(doings.first)
        start_up.customization = getattr(sitecustomize, "__file__", None)
        return sitecustomize
    finally:
        sys.modules.update(hidden)
