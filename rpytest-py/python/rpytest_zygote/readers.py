"""Who looks at the arguments of a collection that an inventory has asked for: which tests there are may follow from
what was to be selected, or from flags that say how to run or to show. See docs/design/inventory.md.
"""

from __future__ import annotations

import sys
from typing import Any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Set

    from rpytest_zygote.looks import Looks

_SELECTION = frozenset({"keyword", "markexpr", "deselect", "file_or_dir", "__dict__"})
_FLAGS = frozenset(
    {
        *("verbose", "collectonly", "maxfail", "showlocals", "no_header", "no_summary", "fulltrace", "usepdb", "trace"),
        *("runxfail", "setupshow", "setupplan", "setuponly", "disable_warnings", "fold_skipped", "xfail_tb", "tbstyle"),
        *("color", "code_highlight", "durations", "showcapture", "show_capture", "reportchars", "capture"),
    }
)
"""Where pytest keeps the flags that `Selecting` of the command takes. An installed plugin may show more for them."""
_ARGUMENTS = frozenset({"args", "__dict__"})


class Readers:
    """Notes in `looks.readers` which files look at what selects."""

    def __init__(self, config: Any, looks: Looks) -> None:
        self._looks = looks
        self._config = config
        self._options = _watched(type(config.option), _SELECTION | _FLAGS, self._option)
        config.option.__class__ = self._options
        config.__class__ = _watched(type(config), _ARGUMENTS, self._argument)
        parameters = config.invocation_params
        object.__setattr__(parameters, "__class__", _watched(type(parameters), _ARGUMENTS, self._argument))

    def have_been_seen(self) -> bool:
        """Whether pytest has kept to the options that are watched."""
        return type(self._config.option) is type(self._config.known_args_namespace) is self._options

    def _option(self, name: str, frame: Any) -> None:
        self._note(frame, anybody=name in _SELECTION)

    def _argument(self, _: str, frame: Any) -> None:
        self._note(frame, anybody=True)

    def _note(self, frame: Any, *, anybody: bool) -> None:
        if not self._looks.is_active:
            return
        while frame is not None and self._looks.is_pytests(frame):  # a function that looks at it for who calls
            frame = frame.f_back
        file = self._looks.reader(frame) if anybody else self._looks.users(frame)
        if file is not None:
            self._looks.readers[file] = None


def _watched(kind: type, names: Set[str], note: Callable[[str, Any], None]) -> type:
    """A class like this one, which tells who asks for these attributes."""

    get: Any = kind.__getattribute__

    def __getattribute__(self: object, name: str) -> Any:
        if name in names:
            note(name, sys._getframe(1))
        return get(self, name)

    return type(kind.__name__, (kind,), {"__getattribute__": __getattribute__, "__module__": kind.__module__})
