"""Modules imported ahead of a run, kept out of `sys.modules` until the run itself imports them.

A step is one import statement of a run's start with everything that it pulled in. It is handed out whole, where the
import system has resolved the name and would now create and execute the module: `importlib._bootstrap._find_spec` is
replaced for as long as the shelf is open, and answers with a spec whose loader hands over the step. The shelf closes
for good, and leaves no trace in the import system, as soon as a module comes from elsewhere than pytest and the
standard library, or a finder has been put on `sys.meta_path`: from then on somebody's own code may have run, which
these imports must not have missed.

What the modules were made from is checked by the daemon before a run is served (`facts`). See docs/design/shelf.md.
"""

from __future__ import annotations

import os
import sys

from rpytest_zygote.observe import Requests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any


class Step:
    """The modules that one import added to `sys.modules`, in order, and the attributes it set on older packages.

    `needs` are modules of earlier steps that it has asked for: without them it would have been another import.
    """

    def __init__(self, members: dict[str, ModuleType], needs: dict[str, ModuleType]) -> None:
        self.members = members
        self._needs = needs
        self._attributes: list[tuple[ModuleType, str, ModuleType]] = []
        for name, module in members.items():
            package, _, child = name.rpartition(".")
            if package and package not in members and vars(sys.modules[package]).get(child) is module:
                self._attributes.append((sys.modules[package], child, module))

    def take_away(self) -> None:
        """Undo the import as far as a run could see it."""
        for name in self.members:
            del sys.modules[name]
        for package, child, _ in self._attributes:
            delattr(package, child)

    def put_back(self) -> None:
        """Redo it."""
        sys.modules.update(self.members)
        for package, child, module in self._attributes:
            setattr(package, child, module)

    def fits(self) -> bool:
        """Whether what it needs is there, and none of its names has come to mean another module."""
        missing = object()
        return all(sys.modules.get(name, missing) is module for name, module in self._needs.items()) and all(
            sys.modules.get(name, module) is module for name, module in self.members.items()
        )


class Shelf:
    """The steps of a run's start, by the name whose import they are."""

    def __init__(self, baseline: Sequence[str]) -> None:
        self.baseline = set(baseline)
        self._steps: dict[str, Step] = {}

    def add(self, name: str) -> None:
        """Import `name` now; what that adds to `sys.modules` is one step, unless it came with an earlier one."""
        before = set(sys.modules)
        with Requests() as requests:
            __import__(name)
        if name in before:
            return
        members = {key: module for key, module in sys.modules.items() if key not in before}
        names = requests.names()
        needs = {key: module for key, module in self.modules().items() if key in names}
        self._steps[name] = Step(members, needs)

    def modules(self) -> dict[str, ModuleType]:
        """Every shelved module by name."""
        return {name: module for step in self._steps.values() for name, module in step.members.items()}

    def with_everything(self, modules: dict[str, ModuleType], do: Callable[[], Any]) -> Any:
        """What is done has all that is shelved, and these modules, in `sys.modules`; nothing that it imports stays."""
        before = dict(sys.modules)
        for step in self._steps.values():
            step.put_back()
        sys.modules.update(modules)
        try:
            return do()
        finally:
            for step in reversed(self._steps.values()):
                step.take_away()
            sys.modules.clear()
            sys.modules.update(before)

    def clear_away(self) -> None:
        """Bring `sys.modules` back to the baseline."""
        for step in reversed(self._steps.values()):
            step.take_away()
        for name in [name for name in sys.modules if name not in self.baseline]:
            del sys.modules[name]

    def open(self, on_abandoned: Callable[[], object] = lambda: None) -> None:
        """Begin to hand out; `on_abandoned` is called where that ends before everything has been."""
        _Counter(self._steps, on_abandoned).install()


class _Counter:
    """Stands between the finders and the loading of what they found, while the shelf is open."""

    def __init__(self, steps: dict[str, Step], on_abandoned: Callable[[], object]) -> None:
        self._steps = dict(steps)
        self._on_abandoned = on_abandoned
        self._meta_path = list(sys.meta_path)
        pytest = steps["pytest"].members["_pytest"].__file__ or ""
        self._pytest = os.path.dirname(pytest) + os.sep
        self._library = os.path.dirname(os.__file__) + os.sep
        self._bootstrap: Any = sys.modules["_frozen_importlib"]
        self._find_spec: Callable[..., ModuleSpec | None] = self._bootstrap._find_spec

    def install(self) -> None:
        find_spec, offer = self._find_spec, self._offer

        def _find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
            spec = find_spec(name, path, target)
            return spec if spec is None else offer(name, spec)

        # Finders see this frame; importlib takes frames of its own file name out of tracebacks.
        _find_spec.__code__ = _find_spec.__code__.replace(co_filename=find_spec.__code__.co_filename)
        self._bootstrap._find_spec = _find_spec

    def _offer(self, name: str, spec: ModuleSpec) -> ModuleSpec:
        """The spec to load: `spec`, or that of the shelved module if it is what loading `spec` would make."""
        step = self._steps.get(name)
        if step is None and self._is_ours(spec) and self._undisturbed():
            return spec
        if step is None or not self._undisturbed() or not self._same_place(step.members[name], spec) or not step.fits():
            self._close()
            self._on_abandoned()
            return spec
        del self._steps[name]
        if not self._steps:
            self._close()
        return _hand_over(step, step.members[name])

    def _undisturbed(self) -> bool:
        return sys.meta_path == self._meta_path

    def _is_ours(self, spec: ModuleSpec) -> bool:
        """Whether this is another part of pytest or of the standard library, as unknown to the run as the shelf is."""
        origin = spec.origin or ""
        if origin in ("built-in", "frozen") or origin.startswith(self._pytest):
            return True
        return origin.startswith(self._library) and "-packages" not in origin[len(self._library) :]

    @staticmethod
    def _same_place(module: ModuleType, spec: ModuleSpec) -> bool:
        known = module.__spec__
        return known is not None and known.origin == spec.origin and type(known.loader) is type(spec.loader)

    def _close(self) -> None:
        self._bootstrap._find_spec = self._find_spec


def _hand_over(step: Step, module: ModuleType) -> ModuleSpec:
    spec = module.__spec__
    assert spec is not None  # `_same_place` has looked at it
    spec.loader = _Handing(step, module, spec.loader)  # type: ignore[assignment]
    return spec


class _Handing:
    """The loader of a spec for the moment of one import: the module exists already, and its own loader comes back."""

    def __init__(self, step: Step, module: ModuleType, loader: object) -> None:
        self._step = step
        self._module = module
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__.loader = self._loader  # type: ignore[assignment]
        self._step.put_back()
