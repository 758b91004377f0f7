"""Who looks at the arguments of a collection that an inventory has asked for: which tests there are may follow from
what was to be selected, or from flags that say how to run or to show. See docs/design/inventory.md.
"""

from __future__ import annotations

import sys
from typing import Any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rpytest_zygote.looks import Looks

_SELECTION = frozenset({"keyword", "markexpr", "deselect", "file_or_dir", "args", "__dict__"})
_ONLY_HERE = "collectonly"
_FLAGS = frozenset(
    {
        *("verbose", "maxfail", "showlocals", "no_header", "no_summary", "fulltrace", "setupshow", "setupplan"),
        *("setuponly", "disable_warnings", "fold_skipped", "xfail_tb", "tbstyle", "durations", "showcapture"),
        *("show_capture", "reportchars", _ONLY_HERE),
    }
)
"""Where pytest keeps the flags that `Selecting` of the command takes. An installed plugin may show more for them."""
_SHOW = {"pytest_report_header", "pytest_report_teststatus", "pytest_report_collectionfinish"}
"""Hooks that say no more than what is shown."""


class Readers:
    """Notes in `looks.readers` which files look at what selects, or change it, and in `looks.only_here` those that look
    at what is so in no other run."""

    def __init__(self, config: Any, looks: Looks) -> None:
        self._config = config
        self._looks = looks
        for thing in (config, config.option, config.invocation_params):
            self._watch(type(thing))

    def _watch(self, kind: Any) -> None:
        """Be told of attributes. It is the class itself: a program may see which one somebody has."""
        get, put, reduce = kind.__getattribute__, kind.__setattr__, kind.__reduce_ex__
        names = _SELECTION | _FLAGS

        def __getattribute__(watched: object, name: str) -> Any:
            if name in names:
                self._note(watched, name, sys._getframe(1))
            return get(watched, name)

        def __setattr__(watched: object, name: str, value: object) -> None:
            if name in _SELECTION:
                self._note(watched, name, sys._getframe(1))
            put(watched, name, value)

        def __reduce_ex__(watched: object, protocol: Any) -> Any:
            self._note(watched, "__dict__", sys._getframe(1))  # for a copy
            return reduce(watched, protocol)

        kind.__getattribute__, kind.__setattr__, kind.__reduce_ex__ = __getattribute__, __setattr__, __reduce_ex__

    def _note(self, watched: object, name: str, frame: Any) -> None:
        if not self._looks.is_active or not self._is_of_this_run(watched):
            return
        while frame is not None and self._looks.is_pytests(frame):  # a function that looks at it for who calls
            frame = frame.f_back
        file = self._looks.reader(frame) if name in _SELECTION else self._looks.users(frame)
        if file is not None and not _shows(frame):
            (self._looks.only_here if name == _ONLY_HERE else self._looks.readers)[file] = None

    def _is_of_this_run(self, watched: object) -> bool:
        known: dict[str, Any] = object.__getattribute__(self._config, "__dict__")
        names = ("option", "known_args_namespace", "invocation_params")
        return watched is self._config or any(watched is known.get(name) for name in names)


def _shows(frame: Any) -> bool:
    """Whether this is done for what pytest shows."""
    while frame is not None and frame.f_code.co_name not in _SHOW:
        frame = frame.f_back
    return frame is not None
