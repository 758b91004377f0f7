"""Which attributes of pytest's own plugins can be fixtures: remembered, so that a run need not look at all of them.

Each session, pytest looks at every attribute of every plugin (`FixtureManager.parsefactories`), some thousands, most of
them of modules and classes that are the same in each run. Here `dir`, as that function sees it, leaves out those of
which it is known that nothing comes of looking. See docs/design/latency.md.
"""

from __future__ import annotations

import builtins
from operator import is_
from types import ModuleType
from typing import Any

from rpytest_zygote.known import is_known
from rpytest_zygote.unmeasured import unmeasured

_CAN_BE_CHANGED = 1 << 9
"""Py_TPFLAGS_HEAPTYPE: types without it have no attributes that can be assigned."""
_MARKS = ("_pytestfixturefunction", "_fixture_function_marker", "__wrapped__", "_mock_name")


class _Namespace:
    """What a module or class holds, and the names in it that have to be looked at."""

    def __init__(self, owner: Any) -> None:
        self._content = vars(owner)
        self._is_fixed = isinstance(owner, type) and not owner.__flags__ & _CAN_BE_CHANGED
        self._then = dict(self._content)
        self._suspects = {name for name, value in self._then.items() if not _is_harmless(value)}

    @unmeasured
    def suspects(self) -> set[str]:
        """The names of what may be a fixture, or was not there then."""
        if self.is_as_then():
            return self._suspects
        missing = object()
        changed = {name for name, value in self._content.items() if self._then.get(name, missing) is not value}
        return changed | {name for name in self._suspects if name in self._content}

    @unmeasured
    def is_as_then(self) -> bool:
        """Whether it holds the very same objects."""
        if self._is_fixed:
            return True
        return list(self._content) == list(self._then) and all(map(is_, self._content.values(), self._then.values()))


def _is_harmless(value: Any) -> bool:
    """Whether no fixture hides in it or behind it, as far as any pytest looks."""
    kind = type(value)
    if kind in (staticmethod, classmethod):
        return _is_harmless(value.__func__)
    places = [vars(base) for base in (*kind.__mro__, *(type.mro(value) if issubclass(kind, type) else ()))]
    if kind.__module__ != "typing" and any("__getattr__" in place for place in places):
        return False
    return not any(mark in place for place in (*places, getattr(value, "__dict__", ())) for mark in _MARKS)


def remember(modules: dict[str, ModuleType], manager: Any) -> None:
    """Have the names left out in the session that this process, or a fork of it, is going to begin."""
    fixtures: Any = modules["_pytest.fixtures"]
    if is_known(fixtures.FixtureManager.parsefactories):
        FixtureNames(modules, manager)


class FixtureNames:
    """Stands for `dir` in `_pytest.fixtures`, until the last plugin that a session begins with has been looked at."""

    def __init__(self, modules: dict[str, ModuleType], manager: Any) -> None:
        fixtures: Any = modules["_pytest.fixtures"]
        self._fixtures = vars(fixtures)
        self._manager = manager
        self._last = fixtures.FixtureManager
        self._classes: dict[type, list[_Namespace]] = {}
        self._modules: dict[int, list[_Namespace]] = {}
        self._disturbed: bool | None = None
        self._fixtures["dir"] = self._stand_in()  # before it is noted what that module holds
        by_class = "holderobj_tp" in self._last.parsefactories.__code__.co_varnames
        for name, module in modules.items():
            if not name.startswith("_pytest."):
                continue
            if "__dir__" not in vars(module):
                self._modules[id(module)] = [_Namespace(module)]
            for kind in vars(module).values() if by_class else ():
                if isinstance(kind, type) and kind.__module__ == name and _is_plugin(kind):
                    self._classes[kind] = [_Namespace(base) for base in kind.__mro__]
        self._looking = [_Namespace(fixtures), *map(_Namespace, self._last.__mro__)]

    def _stand_in(self) -> Any:
        @unmeasured
        def dir(holder: object) -> list[str]:
            return self._names(holder)

        return dir

    @unmeasured
    def _names(self, holder: Any) -> list[str]:
        kind = type(holder)
        if self._disturbed is None:
            self._disturbed = self._is_disturbed()
        if kind is self._last or self._disturbed:
            self._fixtures.pop("dir", None)
        known = self._modules.get(id(holder)) if kind is ModuleType else self._classes.get(kind)
        if self._disturbed or known is None:
            return builtins.dir(holder)
        return sorted(set().union(*(namespace.suspects() for namespace in known)))

    @unmeasured
    def _is_disturbed(self) -> bool:
        """Whether somebody has changed what looks at the names, or has a `__dir__` that would see this frame."""
        same = all(namespace.is_as_then() for namespace in self._looking)
        return not same or any(map(_answers_itself, self._manager.get_plugins()))


def _is_plugin(kind: type) -> bool:
    return type(kind).__module__ != "enum" and any(name.startswith("pytest_") for name in builtins.dir(kind))


@unmeasured
def _answers_itself(plugin: Any) -> bool:
    """Whether `dir` of it runs Python code."""
    kind = type(plugin)
    if kind is ModuleType:
        return "__dir__" in vars(plugin)
    return any("__dir__" in vars(base) for base in kind.__mro__ if base not in (object, type, ModuleType))
