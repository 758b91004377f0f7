"""Answers on standard output, line for line, what the real pytest selects in the working directory.

First the version of pytest and all tests as `TestItem`s; then, for each request, the node ids or the message.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest


class Collected:
    """Keeps pytest's own session open while requests are answered."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> bool:
        items = list(session.perform_collect())
        tell({"version": pytest.__version__, "items": [describe(item) for item in items]})
        for line in sys.stdin.buffer:
            request = json.loads(line)
            session.config.option.keyword = request["keyword"]
            session.config.option.markexpr = request["mark"]
            session.config.option.deselect = request["deselected"]
            tell(self.select(session, items, request["arguments"]))
        session.items = []
        return True

    def select(self, session: pytest.Session, items: list[Any], arguments: list[str] | None) -> dict[str, Any]:
        try:
            if arguments:
                # Older versions remember there which paths a session has collected.
                getattr(session.config.pluginmanager, "_duplicatepaths", set()).clear()
                remaining = list(session.perform_collect(arguments))
            else:
                remaining = list(items)
                session.config.hook.pytest_collection_modifyitems(
                    session=session, config=session.config, items=remaining
                )
        except pytest.UsageError as error:
            return {"usage": "\n".join(error.args)}
        except Exception as error:
            return {"crash": repr(error)}
        return {"selected": [item.nodeid for item in remaining]}


def tell(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


def describe(item: Any) -> dict[str, Any]:
    """The item as `TestItem` has it."""
    from _pytest.mark import KeywordMatcher

    _path, line, _ = item.location
    chain = item.listchain()
    file = max(position for position, node in enumerate(chain) if isinstance(node, pytest.File))
    callspec = getattr(item, "callspec", None)
    return {
        "nodeid": str(item.nodeid),
        "file": item.path.relative_to(item.config.rootpath).as_posix(),
        "line": None if line is None else line + 1,
        "names": [node.name for node in chain[file + 1 :]],
        "keywords": sorted(KeywordMatcher.from_item(item)._names),
        "marks": [describe_mark(mark) for mark in item.iter_markers()],
        "fixtures": list(item.fixturenames),
        "parameters": [
            {"name": name, "value": describe_value(value)}
            for name, value in (callspec.params if callspec else {}).items()
        ],
    }


def describe_mark(mark: pytest.Mark) -> dict[str, Any]:
    return {
        "name": mark.name,
        "arguments": [describe_value(value) for value in mark.args],
        "keywords": [[name, describe_value(value)] for name, value in mark.kwargs.items()],
    }


def describe_value(value: object) -> Any:
    kind = type(value)
    if value is None:
        return "none"
    if kind in (bool, float, str):
        return {kind.__name__: value}
    if kind is int and -(2**63) <= value < 2**63:  # type: ignore[operator]
        return {"int": value}
    return {"container" if kind in (list, tuple, dict, set, frozenset, bytes) else "other": repr(value)}


if __name__ == "__main__":
    sys.exit(pytest.main(["-s", "-p", "no:terminal", "-p", "no:cacheprovider", "-W", "ignore"], plugins=[Collected()]))
