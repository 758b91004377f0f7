"""What stands on the shelf beyond pytest itself: modules that earlier runs imported, made in the zygote and put away.

They are put away in *lots*: the modules that always come together, with all that importing them changed elsewhere. See
docs/design/shelf.md.
"""

from __future__ import annotations

import atexit
import os
import sys
import time
import warnings

from rpytest_zygote import kinship, renewal, rewriting, trial, world
from rpytest_zygote.closures import Closures
from rpytest_zygote.effects import APPENDABLE, KEPT, Changes, Effect, find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import ModuleType
    from typing import Any

    from rpytest_zygote.shelf import Shelf
    from rpytest_zygote.state import Part


_TRIALS = 2
"""In the order of the runs, and in that in which the modules are made: the two may find different things done."""


class Spoiled(Exception):
    """Something was changed that cannot be put back: this process must serve nobody."""


class Lot:
    """Modules that are made together, and what making them changed elsewhere."""

    def __init__(self, modules: dict[str, ModuleType]) -> None:
        self.modules = modules
        self.parts: list[Part] = []
        self.effects: list[Effect] = []
        self.attributes: list[tuple[ModuleType, str, ModuleType]] = []
        self.filters: tuple[list[Any], list[Any]] = ([], [])
        self.exits: list[Any] = []
        self.loggers: list[str] = []
        self.rewritten: list[tuple[str, ModuleType]] = []
        self.tokens: list[renewal.Token] = []
        self.ties = kinship.Ties()
        self.threads = 0
        self.is_out = False

    def take_away(self) -> None:
        """Undo the imports as far as anybody could see them."""
        self.ties.cut()
        for name in self.modules:
            del sys.modules[name]
        for package, child, _ in reversed(self.attributes):
            delattr(package, child)
        for effect in reversed(self.effects):
            effect.undo()
        for function in self.exits:
            atexit.unregister(function)

    def put_back(self) -> None:
        """Redo all of that but the entries of `sys.modules`, whose order is that of a whole import."""
        self.is_out = True
        self.ties.mend()
        for package, child, module in self.attributes:
            setattr(package, child, module)
        for effect in self.effects:
            effect.redo()
        first, last = self.filters
        for item in reversed(first):
            warnings._add_filter(*item, append=False)  # type: ignore[attr-defined]
        for item in last:
            warnings._add_filter(*item, append=True)  # type: ignore[attr-defined]
        for function in self.exits:
            atexit.register(function)
        if self.threads:
            renewal.start_threads(self.modules[renewal.THREADED])
        if renewal.SEEDED in self.modules:
            renewal.seed(self.modules)
        for token in self.tokens:
            token.renew()


class Offer:
    """One import that a run may make: what it brings, and what must be the same as when it was made."""

    def __init__(self, name: str, closures: Closures, reached: set[str], seen: list[dict[str, Any]]) -> None:
        self.name = name
        self.begun, self.order = closures.order(name)
        self.reached = reached
        self.variables: dict[str, str | None] = {}
        self.lookups: dict[tuple[Any, ...], Any] = {}
        self.getters: dict[tuple[Any, ...], Any] = {}
        self.missing: set[str] = set()
        self.names: set[str] = set()
        self.of_sys: set[str] = set()
        self.tops = {name.partition(".")[0] for name in reached}
        self.asked: set[str] = set()
        self.conditions: set[str] = set()
        self.files = {str(each["origin"]) for each in seen}
        self.basenames = {os.path.basename(path) for path in self.files}
        self.never_rewritten = {
            each["name"] for each in seen if each["kind"] != rewriting.HOOK and not _is_source(each)
        }
        self.is_native = False
        self.reads_path = False
        self.reads_environment = False
        for each in seen:
            self._add(each)
        self.tops |= {name.partition(".")[0] for name in self.missing}

    def _add(self, seen: dict[str, Any]) -> None:
        self.variables.update(seen["variables"])
        self.lookups.update(seen["lookups"])
        self.getters.update(seen["getters"])
        self.missing |= seen["missing"]
        self.names |= seen["names"]
        self.of_sys |= seen["of_sys"]
        self.asked |= seen["asked"]
        self.conditions |= seen["conditions"]
        self.is_native |= seen["kind"] == "ExtensionFileLoader" and not world.is_standard(seen["origin"])
        self.reads_path |= seen["reads_path"]
        self.reads_environment |= seen["everything"]


class Stock:
    """The lots, and the imports that they are offered for."""

    def __init__(self) -> None:
        self.lots: list[Lot] = []
        self.lot_of: dict[str, Lot] = {}
        self.offers: dict[str, Offer] = {}
        self._lot_of_class: dict[int, Lot | None] = {}
        self.refused: dict[str, str] = {}
        self.files: set[str] = set()
        self.base: dict[str, list[Part]] = {}
        self.path: list[str] = []
        self.environment: dict[bytes, bytes] = {}
        self.known: list[str] = []
        self.meta_path: list[Any] = []
        self.standing: dict[str, Any] = {}
        self.decimal_context = ""
        self.loggers: Any = None
        self.root_logger: Any = None
        self.appendable: set[int] = set()
        self.kept: dict[int, str] = {}
        self.year = time.localtime().tm_year

    def modules(self) -> dict[str, ModuleType]:
        """Every module that stands here."""
        return {name: module for lot in self.lots for name, module in lot.modules.items()}

    def fill(self, steps: Sequence[str], control: int, shelf: Shelf) -> None:
        """Hold a trial of the imports of earlier runs, and make those that it found harmless.

        Meanwhile `sys.modules` is as a run finds it, without what this process has imported for itself.
        """
        self.known = list(steps)
        if not steps:
            return
        there = shelf.baseline | set(shelf.modules())
        ours = {name: module for name, module in sys.modules.items() if name not in there or name == "sitecustomize"}
        for name in ours:
            del sys.modules[name]
        try:
            self._fill(steps, control)
        finally:
            sys.modules.update(ours)

    def _fill(self, steps: Sequence[str], control: int) -> None:
        seen: dict[str, dict[str, Any]] = {}
        wanted: Sequence[str] = steps
        for _ in range(_TRIALS):
            report = trial.hold(wanted, control)
            if report is None:
                self.refused = dict.fromkeys(steps, "its trial came to nothing")
                return
            _merge(seen, report)
            plan = self._plan(steps, seen)
            wanted = [name for names in plan for name in names if seen[name]["kind"] != "made"]
        self.path = list(sys.path)
        self.environment = dict(os.environ._data)  # type: ignore[attr-defined]
        self.meta_path = list(sys.meta_path)
        self.loggers, self.root_logger = find("logging.root.manager.loggerDict"), find("logging.root")
        self.appendable = {id(find(path)) for path in APPENDABLE}
        self.kept = {id(find(path)): name for path, name in KEPT.items()}
        hook = rewriting.install()
        changes = Changes(trial.named_modules(), hook)
        self.base = dict(changes.parts)
        filters = list(warnings.filters)
        self._lot_of_class = dict.fromkeys(map(id, kinship.classes()))
        for names in plan:
            self._make(names, seen, changes)
        self.standing = world.standing()
        everything = self.modules()
        if "decimal" in sys.modules:
            self.decimal_context = repr(sys.modules["decimal"].getcontext())
        for lot in self.lots:
            found = [token for name in lot.modules for token in seen[name]["tokens"]]
            lot.tokens = [renewal.Token(start, end, places, everything) for start, end, places in found]
        ties = kinship.ties(lambda kind: self._lot_of_class.get(id(kind)))
        for lot in self.lots:
            lot.ties = ties.get(id(lot), lot.ties)
        for lot in reversed(self.lots):
            lot.take_away()
        for part in changes.changed():
            part.take()
        if any(lot.threads for lot in self.lots) and not renewal.stop_threads():
            raise Spoiled("threads stay")
        rewriting.remove(hook)
        warnings.filters[:] = filters  # type: ignore[index]
        warnings._filters_mutated()  # type: ignore[attr-defined]

    def _plan(self, steps: Sequence[str], seen: dict[str, dict[str, Any]]) -> list[list[str]]:
        """The lots to make, without what another lot would show: a class that tells of its subclasses (`kinship`).

        Not so where the class is one of the standard library's or of what is there already: it is always out.
        """
        while True:
            self._choose(steps, seen)
            plan = list(_lots(list(self.offers.values()), seen))
            number = {name: position for position, names in enumerate(plan) for name in names}
            shown = [
                (name, base)
                for name, at in number.items()
                for base in seen[name]["bound"]
                if number.get(base, at) != at and not world.is_standard(seen[base]["origin"])
            ]
            if not shown:
                return plan
            for name, base in shown:
                seen[name]["denied"].append(f"has subclasses of what {base} has, which may be there without it")

    def files_and_packages(self) -> set[str]:
        """What the modules were made from, and the directories of packages: a file may come that shadows one."""
        files = {*self.files, *sources(self.modules().values())}
        return files | {os.path.dirname(path) for path in files if os.path.basename(path).startswith("__init__.")}

    def _choose(self, steps: Sequence[str], seen: dict[str, dict[str, Any]]) -> None:
        self.offers.clear()
        self.files.clear()
        failed = [name for name, each in seen.items() if each["failed"]]
        closures = Closures({name: each["edges"] for name, each in seen.items()}, failed)
        pending, known = list(reversed(steps)), set(steps)
        while pending:
            step = pending.pop()
            if step not in seen:
                self.refused[step] = "it is not found any more"
                continue
            reached = closures.reaches(step)
            denied = next((name for name in sorted(reached & seen.keys()) if seen[name]["denied"]), None)
            if denied is not None or seen[step]["failed"]:
                reason = f"{denied} {seen[denied]['denied'][0]}" if denied is not None else "its import fails"
                self.refused[step] = reason
                # A run imports it itself, and on the way asks for these.
                parts = [name for name in closures.imports(step) if name in seen and name not in known]
                known.update(parts)
                pending += reversed(parts)
                continue
            offer = Offer(step, closures, reached, [seen[name] for name in reached & set(seen)])
            self.offers[step] = offer
            for name in reached & set(seen):
                self.files |= {each for each in (*seen[name]["files"], seen[name]["origin"]) if _is_file(each)}

    def _make(self, names: Sequence[str], seen: dict[str, dict[str, Any]], changes: Changes) -> None:
        before = set(sys.modules)
        filters = list(warnings.filters)
        standing, threads = world.standing(), renewal.native_threads()
        for name in names:
            if name not in sys.modules and seen[name]["kind"] != "made":
                try:
                    __import__(name)
                except Exception as error:
                    raise Spoiled(f"{name} cannot be imported any more: {error}") from error
        new = {name: module for name, module in sys.modules.items() if name not in before}
        made = {name: module for name, module in new.items() if name not in names and seen[name]["kind"] == "made"}
        lot = Lot({name: module for name, module in new.items() if name not in made})
        if set(lot.modules) != {name for name in names if seen[name]["kind"] != "made" or name in new}:
            raise Spoiled(f"importing {names[-1]} brings other modules than it did: {set(lot.modules) ^ set(names)}")
        lot.threads = renewal.native_threads() - threads
        if lot.threads and renewal.THREADED not in lot.modules:
            raise Spoiled("threads were started")
        for name, module in lot.modules.items():
            package, _, child = name.rpartition(".")
            if package and package not in lot.modules and vars(sys.modules[package]).get(child) is module:
                lot.attributes.append((sys.modules[package], child, module))
        lot.rewritten = [(name, module) for name, module in lot.modules.items() if rewriting.is_rewritten(module)]
        lot.effects, others = changes.since(new)
        others += [what for what, value in world.standing().items() if value != standing[what]]
        if others:
            raise Spoiled(f"importing {names[-1]} changes {', '.join(others)}")
        lot.loggers = [effect.key for effect in lot.effects if effect.owner is self.loggers]
        lot.filters = _added_around(filters, list(warnings.filters))
        lot.exits = [world.resolve(*each) for name in names for each in seen[name]["exits"]]
        known = set(changes.parts)
        changes.take_in(trial.named_modules(list(new)))
        lot.parts = [part for name in set(changes.parts) - known for part in changes.parts[name]]
        for part in changes.changed():
            part.take()
        if made:  # by native code, for all that will use them: they belong to no one of these
            shared = Lot(made)
            shared.parts = [part for name in made for part in changes.parts.get(name, ())]
            lot.parts = [part for part in lot.parts if part not in shared.parts]
            self._add(shared)
        self._add(lot)

    def _add(self, lot: Lot) -> None:
        self.lots.append(lot)
        for kind in kinship.classes():
            self._lot_of_class.setdefault(id(kind), lot)
        self.lot_of.update(dict.fromkeys(lot.modules, lot))


def _merge(seen: dict[str, dict[str, Any]], report: dict[str, Any]) -> None:
    """Take in what another trial has seen: who comes first may find more to do, and who comes later less."""
    for name, each in report["modules"].items():
        known = seen.get(name)
        seen[name] = each
        if known is None:
            continue
        each["edges"] = [*each["edges"], *(edge for edge in known["edges"] if edge not in each["edges"])]
        for key in ("denied", "exits"):
            each[key] = [*known[key], *(value for value in each[key] if value not in known[key])]
        for key in ("variables", "lookups", "getters"):
            each[key] = {**known[key], **each[key]}
        for key in ("files", "missing", "names", "asked", "conditions", "bound", "of_sys"):
            each[key] = known[key] | each[key]
        for key in ("everything", "reads_path", "failed"):
            each[key] = known[key] or each[key]


def _lots(offers: Sequence[Offer], seen: dict[str, dict[str, Any]]) -> Iterator[list[str]]:
    """Modules that the same offers bring, in the order of the offers; what others need comes first: what is shared."""
    wanted: dict[str, list[int]] = {}
    for number, offer in enumerate(offers):
        finished = set(offer.order)
        for name in offer.begun:
            if name in finished:  # else it fails
                wanted.setdefault(name, []).append(number)
    groups: dict[tuple[int, int, bool, tuple[int, ...]], list[str]] = {}
    for name, numbers in wanted.items():
        foreign = seen[name]["kind"] == "made" or not world.is_standard(seen[name]["origin"])
        groups.setdefault((numbers[0], -len(numbers), foreign, tuple(numbers)), []).append(name)
    for _, names in sorted(groups.items()):
        yield names


def _added_around(before: list[Any], after: list[Any]) -> tuple[list[Any], list[Any]]:
    """The filters that were put first and last."""
    for start in range(len(after) - len(before) + 1):
        if all(one is other for one, other in zip(after[start:], before)):
            return after[:start], after[start + len(before) :]
    raise Spoiled("filters for warnings were removed")


def _is_source(seen: dict[str, Any]) -> bool:
    return str(seen["origin"]).endswith(".py")


def _is_file(path: str | None) -> bool:
    return path is not None and os.path.isabs(path)


def sources(modules: Iterable[ModuleType]) -> list[str]:
    """The files of modules that have one."""
    specs = [getattr(module, "__spec__", None) for module in modules]
    return [spec.origin for spec in specs if spec is not None and spec.has_location and _is_file(spec.origin)]
