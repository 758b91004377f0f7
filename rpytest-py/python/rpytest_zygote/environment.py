"""The environment of this process: what `os.environ` holds, and how it becomes that of a run."""

from __future__ import annotations

import os
import sys
import time
from typing import Any


def environment() -> dict[bytes, bytes]:
    """What `os.environ` holds, read in a way that nobody watches."""
    environment: Any = os.environ
    return dict(environment._data)


def set_environment(variables: list[bytes], changes: dict[bytes, bytes | None]) -> None:
    """`os.environ`, the `posix` module's copy, and what the C library hands to children, in the order given."""
    environment: Any = os.environ
    posix: Any = sys.modules["posix"]
    coerced = posix.environ.get(b"LC_CTYPE")  # the interpreter's own doing where the locale is C (PEP 538)
    for name in list(posix.environ):
        os.unsetenv(name)
    for name in list(environment._data):
        os.unsetenv(name)
    environment._data.clear()
    posix.environ.clear()
    given = dict(variable.split(b"=", 1) for variable in variables)
    if coerced is not None:
        given[b"LC_CTYPE"] = coerced
    os.putenv("TZ", "UTC0")
    time.tzset()  # of another zone, or the C library would not look into the file of a zone that it knows
    os.unsetenv("TZ")
    for name, value in given.items():
        os.putenv(name, value)
        environment._data[name] = value
        posix.environ[name] = value
    for name, changed in changes.items():  # by start-up code, which has run in the zygote
        if changed is None:
            os.environb.pop(name, None)
        else:
            os.environb[name] = changed
    time.tzset()


def change_environment(variables: dict[bytes, bytes | None]) -> None:
    """As the program has done on the way."""
    for name, value in variables.items():
        if value is None:
            os.environb.pop(name, None)
        else:
            os.environb[name] = value
