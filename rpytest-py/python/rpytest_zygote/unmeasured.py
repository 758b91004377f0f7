"""Code of ours that runs while a program may be measuring which lines are executed.

Tools leave out what comes from no file, which is what a name in angle brackets says: else files of ours would be in the
report of `pytest --cov`. This module imports only what every interpreter has when it starts.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any, TypeVar

    Function = TypeVar("Function")

PREFIX = "<rpytest "


def unmeasured(function: Function) -> Function:
    """The function, as if it came from no file."""
    changed: Any = function
    changed.__code__ = _renamed(changed.__code__)
    return function


def _renamed(code: CodeType) -> CodeType:
    inner = tuple(_renamed(each) if isinstance(each, type(code)) else each for each in code.co_consts)
    return code.replace(co_filename=f"{PREFIX}{os.path.basename(code.co_filename)}>", co_consts=inner)
