"""Whether importing a shelved module now would give the same thing: each objection is a sentence for the user.

See docs/design/shelf.md.
"""

from __future__ import annotations

import fnmatch
import os
import sys
import time
from itertools import chain
from operator import is_

from rpytest_zygote import readings, rewriting, world
from rpytest_zygote.effects import SEPARATE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from importlib.machinery import ModuleSpec
    from typing import Any

    from rpytest_zygote.effects import Effect
    from rpytest_zygote.state import Part
    from rpytest_zygote.stock import Offer, Stock

_OF_THE_SHELL = frozenset(("_", "SHLVL", "PWD", "OLDPWD", "COLUMNS", "LINES"))
_OF_OURS = ("PYTEST_", "RPYTEST_")
_READS_HANDLERS = frozenset(
    f"logging:{name}"
    for name in ("handle", "callHandlers", "hasHandlers", "isEnabledFor", "getEffectiveLevel", "basicConfig")
) | {"handlers", "setLevel"}
_SETTINGS = ("the locale", "the recursion limit", "the switch interval", "the collector", "the working directory")
_METADATA = (".dist-info", ".egg-info", ".egg", ".egg-link")


class Judge:
    """Compares this process with the one in which the modules were made."""

    def __init__(self, stock: Stock) -> None:
        self._stock = stock
        self._base = _Bulk(chain.from_iterable(stock.base.values()))
        self._of_lots: dict[int, _Bulk] = {}

    def objection(self, offer: Offer, spec: ModuleSpec) -> str | None:
        """Why an import must be made and not handed out; None where nothing is known against it."""
        for look in (
            self._watched,
            self._settings,
            self._resolved,
            self._modules,
            self._finders,
            self._environment,
            self._answers,
            self._shadowed,
            self._made_after,
            self._state,
        ):
            reason = look(offer, spec)
            if reason is not None:
                return reason
        return None

    def forget(self, parts: Iterable[Part]) -> None:
        """These have been changed by what was handed out: as they are now, they are right."""
        for part in parts:
            part.take()
        for bulk in (self._base, *self._of_lots.values()):
            bulk.gather()

    def namespaces(self, modules: set[int]) -> list[Part]:
        """The parts that are the namespaces of these modules."""
        of_lots = (lot.parts for lot in self._stock.lots)
        parts = chain.from_iterable(chain(of_lots, self._stock.base.values()))
        return [part for part in parts if part.kind == "module" and id(part.owner) in modules] if modules else []

    def _watched(self, offer: Offer, spec: ModuleSpec) -> str | None:
        if sys.gettrace() is not None or sys.getprofile() is not None:
            return "a trace or profile function must see the import"
        if "coverage" in sys.modules:
            return "coverage may measure it"
        return None

    def _settings(self, offer: Offer, spec: ModuleSpec) -> str | None:
        then, now = self._stock.standing, world.standing()
        differing = [what for what in _SETTINGS if then[what] != now[what]]
        if differing:
            return f"{differing[0]} is another one now"
        decimal = sys.modules.get("decimal") if "decimal" in offer.reached else None
        if decimal is not None and repr(decimal.getcontext()) != self._stock.decimal_context:
            return "the context of decimal is another one now"
        return None

    def _resolved(self, offer: Offer, spec: ModuleSpec) -> str | None:
        known = self._stock.lot_of[offer.name].modules[offer.name].__spec__
        if known is None or known.origin != spec.origin or type(known.loader) is not type(spec.loader):
            return f"its name means {spec.origin} now, or another loader loads it"
        return None

    def _modules(self, offer: Offer, spec: ModuleSpec) -> str | None:
        lot_of = self._stock.lot_of
        here = sys.modules
        for name in offer.reached:
            lot = lot_of.get(name)
            if lot is None:
                base = self._stock.base.get(name)
                if base is not None and here.get(name) is not base[0].owner:
                    return f"{name} is not there, as it was"
                continue
            if name in here and here[name] is not lot.modules[name]:
                return f"{name} is another module than the one on the shelf"
            if (name in here) is not lot.is_out:
                return f"{name} was taken out of sys.modules, or put there"
        for name in offer.missing:
            if name in here:
                return f"{name} was not there"
        for name in offer.asked & (here.keys() | lot_of.keys()):
            if name not in offer.reached and name not in self._stock.base and name != "__main__":
                return f"it may ask whether {name} is imported"
        return None

    def _finders(self, offer: Offer, spec: ModuleSpec) -> str | None:
        now = [finder for finder in sys.meta_path if type(finder).__name__ != rewriting.HOOK]
        if now != self._expected_finders():
            return "there are other finders on sys.meta_path"
        hook = rewriting.session_hook()
        rewritten = {name for lot in self._stock.lots for name, _ in lot.rewritten} & offer.reached
        if hook is None:
            return f"{min(rewritten)} is not rewritten now" if rewritten else None
        if hook.config.getini("enable_assertion_pass_hook"):
            return "assertions are to be rewritten in another way"
        marked = {name for name in offer.reached & self._stock.lot_of.keys() if _is_marked(name, hook._must_rewrite)}
        if marked - rewritten - offer.never_rewritten or rewritten - marked:
            return f"{min(marked ^ rewritten)} is to be rewritten for its assertions, or is not"
        patterns = [pattern for pattern in hook.fnpats if pattern not in rewriting.PATTERNS]
        if any(fnmatch.fnmatch(name, os.path.basename(pattern)) for pattern in patterns for name in offer.basenames):
            return "python_files says that it may hold tests"
        session = hook.session
        if session is not None and not offer.files.isdisjoint(map(str, getattr(session, "_initialpaths", ()))):
            return "it is among the files to be tested"
        return None

    def _expected_finders(self) -> list[Any]:
        added = [
            effect.new
            for lot in self._stock.lots
            if lot.is_out
            for effect in lot.effects
            if effect.owner is sys.meta_path
        ]
        return [*self._stock.meta_path, *chain.from_iterable(added)]

    def _environment(self, offer: Offer, spec: ModuleSpec) -> str | None:
        data = os.environ._data  # type: ignore[attr-defined]
        for name, value in offer.variables.items():
            now = data.get(os.fsencode(name))
            if (None if now is None else os.fsdecode(now)) != value:
                return f"it reads ${name}, which is another one now"
        if offer.is_native or offer.reads_environment:
            then = self._stock.environment
            for raw in then.keys() | data.keys():
                name = os.fsdecode(raw)
                if then.get(raw) != data.get(raw) and name not in _OF_THE_SHELL and not name.startswith(_OF_OURS):
                    return f"it may read ${name}, which is another one now"
        return None

    def _answers(self, offer: Offer, spec: ModuleSpec) -> str | None:
        for (what, path, *rest), answer in offer.lookups.items():
            if _look_up(what, path, rest) != answer:
                return f"it looks up {path}, which has changed"
        for (what, *arguments), answer in offer.getters.items():
            module, _, name = what.partition(".")
            if world.plain(getattr(sys.modules[module], name)(*arguments)) != answer:
                return f"it calls {what}, which answers otherwise now"
        if "year" in offer.conditions and time.localtime().tm_year != self._stock.year:
            return "it keeps the year, which is another one now"
        return None

    def _shadowed(self, offer: Offer, spec: ModuleSpec) -> str | None:
        """Other directories that have come to `sys.path` must hold nothing that the import would find there."""
        path = self._stock.path
        others = [entry for entry in sys.path if entry not in path]
        if [entry for entry in sys.path if entry in path] != path:
            return "sys.path has other entries, or another order"
        for entry in others:
            try:
                found = os.listdir(entry or ".")
            except OSError:
                continue
            for name in found:
                if offer.reads_path and name.endswith(_METADATA):
                    return f"it asks what is installed, and {name} is in {entry}"
                stem, dot, _ = name.partition(".")
                if stem not in offer.tops:
                    continue
                whole = os.path.join(entry, name)
                if dot or stem in offer.missing or _is_package(whole):
                    return f"{whole} may shadow what it imports"
        return None

    def _made_after(self, offer: Offer, spec: ModuleSpec) -> str | None:
        """What was made before, and changed something that the import may have looked at, must be there too."""
        lots = self._stock.lots
        last = max(position for position, lot in enumerate(lots) if not lot.modules.keys().isdisjoint(offer.order))
        for lot in lots[:last]:
            if lot.is_out or not lot.modules.keys().isdisjoint(offer.order):
                continue
            for effect in lot.effects:
                if effect.part.module in offer.reached and not self._is_apart(effect, offer):
                    return f"{next(iter(lot.modules))}, which is not imported, had changed {effect.part.name}"
        return None

    def _is_apart(self, effect: Effect, offer: Offer) -> bool:
        """Whether nobody but its owner can have seen a change."""
        owner = effect.owner
        if owner is self._stock.loggers or owner is sys.meta_path or id(owner) in self._stock.appendable:
            return True
        if id(owner) in self._stock.kept:
            return self._stock.kept[id(owner)] not in offer.names
        return effect.kind == "attribute" and effect.part.kind == "module" and effect.key not in offer.names

    def _state(self, offer: Offer, spec: ModuleSpec) -> str | None:
        uses_pytest = not offer.reached.isdisjoint(("pytest", "_pytest", "pluggy"))
        for part in self._base.changed():
            if uses_pytest or not part.name.startswith(("_pytest", "pytest", "pluggy")):
                reason = self._against(part, offer)
                if reason is not None:
                    return reason
        for lot in self._stock.lots:
            if lot.is_out and not lot.modules.keys().isdisjoint(offer.reached):
                bulk = self._of_lots.setdefault(id(lot), _Bulk(lot.parts))
                for part in bulk.changed():
                    reason = self._against(part, offer)
                    if reason is not None:
                        return reason
        return None

    def _against(self, part: Part, offer: Offer) -> str | None:
        """What a changed thing means for an import: nothing, where no code that ran for it names it."""
        if part.is_as_it_was() or part.owner is sys.meta_path or id(part.owner) in self._stock.appendable:
            return None
        if part.owner is self._stock.loggers:
            lots = [lot for lot in self._stock.lots if not lot.modules.keys().isdisjoint(offer.order)]
            mine = {name.partition(".")[0] for lot in lots for name in lot.loggers}
            added = {str(name).partition(".")[0] for name in part.owner} - {
                str(name).partition(".")[0] for name in part.held
            }
            return f"loggers of {min(added & mine)} are there already" if added & mine else None
        if part.owner is self._stock.root_logger or part.owner is self._stock.root_logger.handlers:
            return "logging is set up otherwise" if not offer.names.isdisjoint(_READS_HANDLERS) else None
        if id(part.owner) in self._stock.kept and self._stock.kept[id(part.owner)] not in offer.names:
            return None
        if part.kind in ("module", "class"):
            named = [key for key in part.changed_keys() if not _is_unseen(part, key, offer)]
            return f"{part.name}.{named[0]} is another one now" if named else None
        if part.name in _ARGUMENTS and offer.of_sys.isdisjoint((part.name.partition(".")[2], readings.ANYTHING)):
            return None
        return f"{part.name} has changed"


def _is_marked(name: str, marks: set[str]) -> bool:
    return any(name[:end] in marks for end in (*(at for at, letter in enumerate(name) if letter == "."), len(name)))


def _is_unseen(part: Part, key: Any, offer: Offer) -> bool:
    if not isinstance(key, str) or (part.name, key) in SEPARATE or key == "__slotnames__":
        return True
    if key.startswith("__"):
        return False
    if part.name == "sys":
        return key not in offer.of_sys and readings.ANYTHING not in offer.of_sys and key not in _LOUD
    return key not in offer.names


_ARGUMENTS = ("sys.argv", "sys.orig_argv")
"""A session sets them."""
_LOUD = frozenset(("modules", "path_hooks", "meta_path", "flags"))


class _Bulk:
    """Many parts that are compared at once; those that are found changed are looked at singly from then on."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self._parts = list(parts)
        self._single: list[Part] = []
        self.gather()

    def gather(self) -> None:
        self._views = [view for part in self._parts for view in part.views]
        self._held = [part.held for part in self._parts]
        self._length = sum(map(len, self._held))

    def changed(self) -> list[Part]:
        if not self._is_as_it_was():
            changed = [part for part in self._parts if not part.is_as_it_was()]
            self._single += changed
            gone = set(map(id, changed))
            self._parts = [part for part in self._parts if id(part) not in gone]
            self.gather()
        return self._single

    def _is_as_it_was(self) -> bool:
        try:
            return sum(map(len, self._views)) == self._length and all(
                map(is_, chain.from_iterable(self._views), chain.from_iterable(self._held))
            )
        except RuntimeError:
            return False


def _look_up(what: str, path: str, rest: Sequence[Any]) -> Any:
    try:
        return world.gist(getattr(os, what)(path, *rest))
    except OSError:
        return None


def _is_package(path: str) -> bool:
    try:
        return any(name.startswith("__init__.") for name in os.listdir(path))
    except OSError:
        return False
