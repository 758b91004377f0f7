"""The trial: a forked process imports what earlier runs imported, is watched, and is thrown away.

What comes of it is plain data, for the zygote to decide what it imports itself. See docs/design/shelf.md.
"""

from __future__ import annotations

import gc
import marshal
import os
import select
import sys
import warnings

from rpytest_zygote import kinship, readings, renewal, rewriting, world
from rpytest_zygote.effects import Changes
from rpytest_zygote.witness import Observed, Witness

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_PATIENCE = 240.0
"""Seconds that a trial may take."""
_LONGEST_NAME = 200
_LIBRARY = os.path.dirname(os.__file__)
_LOGGING = os.path.join(_LIBRARY, "logging", "__init__.py")
_LINES = os.path.join(_LIBRARY, "linecache.py")
"""It looks through `sys.path` for files that are named by no path: those of no module."""
_METADATA = os.path.join(_LIBRARY, "importlib", "metadata")


def hold(steps: Sequence[str], control: int) -> dict[str, Any] | None:
    """Hold a trial in a child, and return what it found; None: it came to nothing."""
    if not hasattr(os, "memfd_create"):
        return None
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reading)
            os.close(control)
            _write_nowhere()
            report = marshal.dumps(_Trial(steps).run())
            while report:
                report = report[os.write(writing, report) :]
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(0)
    os.close(writing)
    received = _read(reading, control)
    os.close(reading)
    if received is None:
        os.kill(pid, 9)
    os.waitpid(pid, 0)
    try:
        result: dict[str, Any] = marshal.loads(received or b"")
    except (EOFError, ValueError, TypeError):
        return None
    return result


def _write_nowhere() -> None:
    """What the imports write is not what the zygote writes; that they write shows in the size of a file of its own."""
    output = os.memfd_create("trial")
    for number in (1, 2):
        os.dup2(output, number)
    os.close(output)


def _read(reading: int, control: int) -> bytes | None:
    """All that a trial writes; None where it takes too long, or nobody wants to know any more."""
    poll = select.poll()
    poll.register(reading, select.POLLIN)
    poll.register(control, select.POLLHUP)
    received = b""
    while True:
        ready = dict(poll.poll(_PATIENCE * 1000))
        if reading not in ready:
            return None
        data = os.read(reading, 1 << 20)
        if not data:
            return received
        received += data


class _Trial:
    """In the child."""

    def __init__(self, steps: Sequence[str]) -> None:
        self._steps = steps
        self._witness = Witness()

    def run(self) -> dict[str, Any]:
        gc.disable()
        self._take_warnings()
        base = set(sys.modules)
        hook = rewriting.install()
        self._witness.begin()
        changes = Changes(named_modules(), hook)
        for step in self._steps:
            self._take(step, changes)
        order = [name for name in sys.modules if name not in base]
        modules = self._witness.modules
        bound = kinship.bound()
        plain = {name: {**_plain(seen), "bound": bound.get(name, set())} for name, seen in modules.items()}
        return {"order": order, "modules": plain}

    def _take_warnings(self) -> None:
        """Every warning is seen, and counts against the module whose import raises it."""
        warnings.simplefilter("always")

        def warned(message: Any) -> None:
            self._witness.current.deny(f"warns: {message.category.__name__}")

        warnings._showwarnmsg_impl = warned  # type: ignore[attr-defined]

    def _take(self, step: str, changes: Changes) -> None:
        before = set(sys.modules)
        standing, threads = world.standing(), renewal.native_threads()
        output = [os.fstat(number).st_size for number in (1, 2)]
        descriptors = os.listdir("/proc/self/fd")
        sys.setprofile(self._witness.profile)
        try:
            __import__(step)
        except BaseException as error:
            self._witness.fail(step, f"its import fails: {type(error).__name__}")
        sys.setprofile(None)
        self._witness.settle()
        added = [name for name in sys.modules if name not in before]
        now = world.standing()
        others = changes.since(added)[1] + [what for what in now if now[what] != standing[what]]
        if renewal.native_threads() != threads and renewal.THREADED not in added:
            others.append("threads")
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        if output != [os.fstat(number).st_size for number in (1, 2)]:
            others.append("writes to the standard streams")
        if descriptors != os.listdir("/proc/self/fd"):
            others.append("open descriptors")
        for name in added if others else ():
            self._witness.fail(name, f"importing {step} changes " + ", ".join(others[:9]))
        changes.take_in(named_modules(added))
        for part in changes.changed():
            part.take()


def named_modules(names: Sequence[str] | None = None) -> list[Any]:
    """The modules of these names, or all but ours, that are modules under their own name."""
    ours = ("rpytest_zygote", "sitecustomize", "__main__")
    found = [(name, sys.modules[name]) for name in (sys.modules if names is None else names) if name in sys.modules]
    return [
        module
        for name, module in found
        if isinstance(module, type(sys)) and vars(module).get("__name__") == name and name.partition(".")[0] not in ours
    ]


def _plain(seen: Observed) -> dict[str, Any]:
    """What was seen of a module, for the zygote."""
    tokens: Any = []
    if seen.name == renewal.SEEDED:
        if not renewal.can_seed(sys.modules.get(seen.name)):
            seen.deny("is seeded in a way that cannot be done again")
    elif seen.drawn:
        tokens = renewal.tokens(seen.drawn)
        if tokens is None:
            seen.deny("draws random bytes")
    names: set[str] = set()
    asked: set[str] = set()
    of_sys: set[str] = set()
    reads_path = False
    for code in seen.codes:
        texts = _texts(code.co_consts)
        words = {*code.co_names, *texts}
        if code.co_filename == _LOGGING:
            names.add(f"logging:{code.co_name}")
            continue
        names |= words
        if "modules" in words:
            asked |= words
        read = set(readings.of_sys(code, texts))
        of_sys |= read
        if "path" in read or (readings.ANYTHING in read and "path" in words):
            if code.co_filename.startswith(_METADATA):
                reads_path = True
            elif code.co_filename != _LINES:
                seen.deny(f"reads sys.path in {code.co_filename}")
    return {
        "name": seen.name,
        "origin": seen.origin,
        "kind": seen.kind,
        "edges": seen.edges,
        "denied": seen.denied,
        "variables": seen.variables,
        "everything": seen.whole_environment,
        "files": seen.files,
        "lookups": seen.lookups,
        "getters": seen.getters,
        "missing": seen.missing,
        "exits": seen.exits,
        "conditions": seen.conditions,
        "tokens": tokens,
        "failed": seen.failed,
        "reads_path": reads_path,
        "names": names,
        "of_sys": of_sys,
        "asked": asked,
    }


def _texts(constants: tuple[Any, ...]) -> set[str]:
    texts = {each for each in constants if isinstance(each, str) and len(each) < _LONGEST_NAME}
    for each in constants:
        if isinstance(each, (tuple, frozenset)):
            texts |= _texts(tuple(each))
    return texts
