"""`gc.freeze` keeps a fork cheap, and shows: this undoes it as soon as a program looks. See docs/design/session.md."""

from __future__ import annotations

import gc
import os
import sys
from typing import Any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_LOOKS = ("freeze", "get_freeze_count", "get_objects", "get_referrers", "get_stats", "unfreeze")
_COLLECTS = "collect"
_OF_PYTEST = os.path.join("_pytest", "unraisableexception.py")
"""It collects at the end of a run, for what tells of its end."""
_originals: dict[str, Any] = {name: getattr(gc, name) for name in (*_LOOKS, _COLLECTS)}


def freeze(is_quiet: Callable[[], bool]) -> None:
    """Freeze what a program has made, until it looks at that, or collects (see `when_looked_at`)."""
    _originals["freeze"]()
    when_looked_at(is_quiet)


def when_looked_at(is_quiet: Callable[[], bool] | None = None) -> None:
    """Make the functions that show what is frozen unfreeze it first, once; then they are themselves again.

    `is_quiet` is given where what a program has made may be frozen: who collects must find what has come to its end. It
    tells whether none of what is not frozen tells of an end, so that pytest's own collecting at its end finds nothing.
    """
    replacements: dict[str, Any] = {}

    def looking(name: str) -> Any:
        def look(*arguments: Any, **keywords: Any) -> Any:
            if name == _COLLECTS and is_quiet is not None and _is_pytest(sys._getframe(1)) and is_quiet():
                return _originals[name](*arguments, **keywords)
            for each, replacement in replacements.items():
                if getattr(gc, each) is replacement:
                    setattr(gc, each, _originals[each])
            _originals["unfreeze"]()
            return _originals[name](*arguments, **keywords)

        return look

    for name in _LOOKS if is_quiet is None else (*_LOOKS, _COLLECTS):
        replacements[name] = looking(name)
        setattr(gc, name, replacements[name])


def _is_pytest(frame: Any) -> bool:
    return bool(frame.f_code.co_filename.endswith(_OF_PYTEST))
