"""`gc.freeze` keeps a fork cheap, and shows: this undoes it as soon as a program looks. See docs/design/session.md."""

from __future__ import annotations

import gc
from typing import Any

_LOOKS = ("freeze", "get_freeze_count", "get_objects", "get_referrers", "get_stats", "unfreeze")


def when_looked_at() -> None:
    """Make the functions that show what is frozen unfreeze it first, once; then they are themselves again."""
    if getattr(gc.unfreeze, "__module__", None) == __name__:
        return  # it is done already
    originals = {name: getattr(gc, name) for name in _LOOKS}

    def looking(name: str) -> Any:
        def look(*arguments: Any, **keywords: Any) -> Any:
            for each, original in originals.items():
                if getattr(gc, each) is replacements[each]:
                    setattr(gc, each, original)
            originals["unfreeze"]()
            return originals[name](*arguments, **keywords)

        return look

    replacements = {name: looking(name) for name in _LOOKS}
    for name, replacement in replacements.items():
        setattr(gc, name, replacement)
