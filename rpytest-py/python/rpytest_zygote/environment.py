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


def beside() -> dict[bytes, bytes]:
    """The variables that the C library has for children and `os.environ` does not: native code has put them there.

    For a process that is thrown away: it makes another module `posix`, which takes them down as it is made.
    """
    kind: Any = sys.modules["_frozen_importlib"].BuiltinImporter
    spec = kind.find_spec("posix")
    module = kind.create_module(spec)
    kind.exec_module(module)
    known = environment()
    return {name: value for name, value in module.environ.items() if known.get(name) != value}


def set_beside(variables: dict[bytes, bytes]) -> None:
    """Have these there again, as the last ones."""
    for name, value in variables.items():
        os.unsetenv(name)
        os.putenv(name, value)


def set_environment(variables: list[bytes], changes: dict[bytes, bytes | None], keeps_zone: bool = False) -> None:
    """`os.environ`, the `posix` module's copy, and what the C library hands to children, in the order given.

    `keeps_zone`: the time zone has been set, from the same variables, and a program may have set another one since.
    """
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
    if not keeps_zone:
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
    if not keeps_zone:
        time.tzset()


def change_environment(variables: dict[bytes, bytes | None]) -> None:
    """As the program has done on the way."""
    for name, value in variables.items():
        if value is None:
            os.environb.pop(name, None)
        else:
            os.environb[name] = value
