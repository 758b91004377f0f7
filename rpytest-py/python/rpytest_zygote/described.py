"""A collected test as `TestItem` of the crate rpytest-core has it."""

from __future__ import annotations

from typing import Any

from rpytest_zygote.events import text

_BUILT_IN = (list, tuple, dict, set, frozenset, bytes)
_LONGEST = 200
"""So much is kept of what an object prints as."""


def item(item: Any, file: str, file_class: type, matcher: Any) -> dict[str, Any]:
    """The test; `matcher` is pytest's `KeywordMatcher`."""
    line = item.location[1]
    chain = item.listchain()
    below = [position for position, node in enumerate(chain) if isinstance(node, file_class)]
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    return {
        "nodeid": text(item.nodeid),
        "file": file,
        "line": line + 1 if isinstance(line, int) and line >= 0 else None,
        "names": [text(node.name) for node in chain[below[-1] + 1 if below else 0 :]],
        "keywords": sorted(map(text, matcher.from_item(item)._names)),
        "marks": [_mark(mark) for mark in item.iter_markers()],
        "fixtures": [text(name) for name in getattr(item, "fixturenames", ())],
        "parameters": [{"name": text(name), "value": _value(value)} for name, value in parameters.items()],
    }


def _mark(mark: Any) -> dict[str, Any]:
    return {
        "name": text(mark.name),
        "arguments": [_value(value) for value in mark.args],
        "keywords": [[text(name), _value(value)] for name, value in mark.kwargs.items()],
    }


def _value(value: object) -> Any:
    kind = type(value)
    if value is None:
        return "none"
    if isinstance(value, str) and kind is str:
        return {"str": text(value)}
    if kind is bool or (isinstance(value, float) and kind is float and abs(value) < float("inf")):
        return {kind.__name__: value}
    if isinstance(value, int) and kind is int and -(2**63) <= value < 2**63:
        return {"int": value}
    return {"container" if kind in _BUILT_IN else "other": _represent(value)}


def _represent(value: object) -> str:
    try:
        return text(repr(value))[:_LONGEST]
    except Exception:
        return f"<{type(value).__name__}>"
