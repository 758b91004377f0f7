"""What the collection of a test file leaves behind beside its tests: a run that did not collect it would show.

Only for a collection that an inventory has asked for. See docs/design/inventory.md.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from typing import Any


class Traces:
    """`needed` are the files without which other tests, or the output, would not be the same.

    `paths` are directories that went to the front of `sys.path`, each with the file whose import put it there.
    """

    def __init__(self, config: Any) -> None:
        self.needed: dict[str, None] = {}
        self.paths: list[tuple[str, str]] = []
        self._manager = config.pluginmanager
        self._path: list[str] = []
        self._state: list[Any] = []

    def before(self) -> None:
        """Something is about to be collected."""
        self._path, self._state = list(sys.path), self._now()

    def after(self, file: str, report: Any) -> None:
        """It was collected, in this file."""
        if sys.path[1:] == self._path and sys.path[0] not in ("", "."):
            self.paths.append((file, sys.path[0]))
        elif sys.path != self._path:
            self.needed[file] = None
        is_quiet = report is not None and report.passed and not report.sections
        if not is_quiet or self._now() != self._state:
            self.needed[file] = None

    def _now(self) -> list[Any]:
        environment: Any = os.environ
        recorded = getattr(warnings._showwarnmsg_impl, "__self__", ())  # type: ignore[attr-defined]
        root = logging.getLogger()
        return [
            dict(environment._data),
            os.getcwd(),
            len(recorded),
            len(warnings.filters),
            len(sys.meta_path),
            len(self._manager.get_plugins()),
            (root.level, len(root.handlers), logging.root.manager.disable),
            *_generators(),
        ]


def _generators() -> list[Any]:
    """The states of what tests draw random numbers from."""
    states = []
    standard: Any = sys.modules.get("random")
    if standard is not None and hasattr(standard, "getstate"):
        states.append(standard.getstate())
    others: Any = getattr(sys.modules.get("numpy.random.mtrand"), "get_state", None)
    if others is not None:
        name, keys, *rest = others()
        states.append((name, keys.tobytes(), rest))
    return states
