"""`gc.freeze` keeps a fork cheap, and shows: this undoes it as soon as a program looks. See docs/design/session.md."""

from __future__ import annotations

import gc
import os
import sys
from types import CellType, FunctionType, GeneratorType, MethodType
from typing import Any

from rpytest_zygote.unmeasured import unmeasured

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    IsQuiet = Callable[[frozenset[int]], bool]
    """Given objects (`id`) that somebody is known to hold: they are not at their end."""

_LOOKS = ("freeze", "get_freeze_count", "get_objects", "get_referrers", "get_stats", "unfreeze")
_COLLECTS = "collect"
_OF_PYTEST = os.path.join("_pytest", "unraisableexception.py")
"""It collects at the end of a run, for what tells of its end."""
_UNCONFIGURES = "_ensure_unconfigure"
"""The method of `Config` from which it does so."""
_HOLDERS = (tuple, list, dict, CellType, FunctionType, GeneratorType, MethodType)
_MODULES_OF_HOLDERS = ("_io", "_pytest.capture", "collections", "contextlib")
_FREEZES = "freeze"
_get_referents = gc.get_referents  # a program may replace it
_originals: dict[str, Any] = {name: getattr(gc, name) for name in (*_LOOKS, _COLLECTS)}


_frozen_by_program: list[None] = []


def has_program_frozen() -> bool:
    """Whether the program has called `gc.freeze` itself."""
    return bool(_frozen_by_program)


def frozen() -> int:
    """How many objects are."""
    count: int = _originals["get_freeze_count"]()
    return count


def referrers(objects: list[Any]) -> list[Any]:
    """What refers to them, also of what is frozen."""
    is_frozen = frozen() > 0
    if is_frozen:
        _originals["unfreeze"]()
    found: list[Any] = _originals["get_referrers"](*objects)
    if is_frozen:
        _originals[_FREEZES]()
    return [each for each in found if each is not objects and not _are_arguments(each, objects)]


def _are_arguments(found: Any, objects: list[Any]) -> bool:
    """The interpreter may have several tuples of them."""
    is_as_long = type(found) is tuple and len(found) == len(objects)
    return is_as_long and all(one is other for one, other in zip(found, objects))


def freeze(is_quiet: IsQuiet) -> None:
    """Freeze what a program has made, until it looks at that, or collects (see `when_looked_at`)."""
    _originals[_FREEZES]()
    when_looked_at(is_quiet)


def when_looked_at(is_quiet: IsQuiet | None = None) -> None:
    """Make the functions that show what is frozen unfreeze it first, once; then they are themselves again, but for
    `freeze`, which is so when it has been called.

    `is_quiet` is given where what a program has made may be frozen: who collects must find what has come to its end. It
    tells whether none of what is not frozen tells of an end, but what pytest holds, so that pytest's own collecting at
    its end finds nothing.
    """
    looks: list[_Look] = []
    for name in _LOOKS if is_quiet is None else (*_LOOKS, _COLLECTS):
        looks.append(_Look(name, looks, is_quiet))
        setattr(gc, name, looks[-1])


class _Called:
    """What a call of a `_Look` finds: the original, which is called by whoever calls that, with no frame in between."""

    @unmeasured
    def __get__(self, look: Any, _kind: Any) -> Any:
        return look.original(sys._getframe(1))


class _Look:
    __slots__ = ("_is_quiet", "_looks", "_name")
    __call__ = _Called()

    def __init__(self, name: str, looks: list[_Look], is_quiet: IsQuiet | None) -> None:
        self._name = name
        self._looks = looks
        self._is_quiet = is_quiet

    @unmeasured
    def original(self, caller: Any) -> Any:
        """The function for which this stands; everything is thawed now, unless that is not needed."""
        original = _originals[self._name]
        is_quiet = self._is_quiet if self._name == _COLLECTS and _is_pytest(caller) else None
        if is_quiet is not None and _is_quiet(is_quiet, caller):
            return original
        for look in self._looks:  # that for `freeze` stays until it is called
            if getattr(gc, look._name) is look and (look is self or look._name != _FREEZES):
                setattr(gc, look._name, _originals[look._name])
        if not _frozen_by_program:  # else what is frozen now is the program's
            _originals["unfreeze"]()
        if self._name == _FREEZES:
            _frozen_by_program.append(None)
        return original


@unmeasured
def _is_pytest(frame: Any) -> bool:
    return bool(frame.f_code.co_filename.endswith(_OF_PYTEST))


@unmeasured
def _is_quiet(is_quiet: IsQuiet, caller: Any) -> bool:
    try:
        return is_quiet(_held(caller))
    except Exception:  # of something that is made in a strange way
        return False


@unmeasured
def _is_of_holders(kind: type) -> bool:
    """Asks no metaclass."""
    module = type.__getattribute__(kind, "__module__")
    return type(module) is str and module in _MODULES_OF_HOLDERS


@unmeasured
def _held(frame: Any) -> frozenset[int]:
    """What pytest holds while it collects: the files of its capture, and what its configuration will close later."""
    while frame is not None and frame.f_code.co_name != _UNCONFIGURES:
        frame = frame.f_back
    config: Any = None if frame is None else frame.f_locals.get("self")
    plugins: Any = getattr(getattr(config, "pluginmanager", None), "_name2plugin", {})
    pending = [getattr(config, "_cleanup_stack", None), plugins.get("capturemanager")]
    held: dict[int, Any] = {}
    while pending:
        each = pending.pop()
        kind = type(each)
        if id(each) in held or not (any(kind is holder for holder in _HOLDERS) or _is_of_holders(kind)):
            continue
        held[id(each)] = each
        if kind is FunctionType:
            pending += each.__closure__ or ()  # and not its globals
        elif kind is not GeneratorType:
            pending += _get_referents(each)
    return frozenset(held)
