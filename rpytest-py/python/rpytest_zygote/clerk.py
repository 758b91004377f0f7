"""Hands out what stands on the shelf beyond pytest itself, where importing it now would give the same thing.

And notes what a run imports that is not there, for the next zygote. See docs/design/shelf.md.
"""

from __future__ import annotations

import os
import sys

from rpytest_zygote import rewriting, world
from rpytest_zygote.judge import Judge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

    from rpytest_zygote.stock import Lot, Offer, Stock

_MOST_STEPS = 2000
_LIBRARIES = ("site-packages", "dist-packages")


class Step:
    """One import that is handed out: what `_Handing` puts back."""

    def __init__(self, offer: Offer, lots: list[Lot], judge: Judge) -> None:
        self._offer = offer
        self._judge = judge
        self._lots = lots

    def put_back(self) -> None:
        for lot in self._lots:
            lot.put_back()
            rewriting.adopt(lot.rewritten, rewriting.session_hook())
        for name in self._offer.order:
            if name not in sys.modules or name == self._offer.name:
                sys.modules[name] = next(lot.modules[name] for lot in self._lots if name in lot.modules)
        touched = {id(module) for lot in self._lots for token in lot.tokens for module, _ in token.places}
        touched |= {id(package) for lot in self._lots for package, _, _ in lot.attributes}
        self._judge.forget(effect.part for lot in self._lots for effect in lot.effects)
        self._judge.forget(self._judge.namespaces(touched))


class Clerk:
    """In a session, from the first module on that is not pytest's own start."""

    def __init__(self, stock: Stock) -> None:
        self._stock = stock
        self._judge = Judge(stock)
        self.reasons: dict[str, str] = {}
        self.imported: list[str] = []
        self._known = set(stock.known)
        self._served: list[str] = []
        """Parts of what was refused."""

    def offer(self, name: str, spec: ModuleSpec, importer: Any) -> tuple[Step, ModuleType] | None:
        """What to hand out for a name that the finders have resolved to `spec`; None: import it."""
        offer = self._stock.offers.get(name)
        if offer is None:
            self._learn(name, spec, importer)
            return None
        if name in self._known and name not in self.imported:
            self.imported.append(name)
        try:
            reason = self._judge.objection(offer, spec)
        except Exception as error:  # what cannot be compared may be anything
            reason = f"it cannot be compared: {type(error).__name__}: {error}"
        if reason is not None:
            self.reasons[name] = reason
            return None
        if name not in self._known:
            self._served.append(name)
        lots = [lot for lot in self._stock.lots if not lot.is_out and not lot.modules.keys().isdisjoint(offer.order)]
        return Step(offer, lots, self._judge), self._stock.lot_of[name].modules[name]

    def _learn(self, name: str, spec: ModuleSpec, importer: Any) -> None:
        """Note an import that the program makes, as opposed to one that such an import makes."""
        if len(self.imported) >= _MOST_STEPS or not _is_shelvable(spec):
            return
        if not _is_inside_a_library(importer):
            self.imported.append(name)

    def explanation(self) -> list[str]:
        """What became of each import that the program made, in plain words."""
        refused = {**self._stock.refused, **self.reasons}
        served = [name for name in self.imported if name not in refused and name in self._stock.offers]
        return [
            *(f"shelf: {name} was handed out" for name in (*served, *self._served)),
            *(
                f"shelf: {name} was imported: {refused.get(name, 'it is new')}"
                for name in self.imported
                if name not in served
            ),
        ]

    def lesson(self) -> list[str] | None:
        """The imports that the next zygote should know; None where it knows them already."""
        if set(self.imported) <= self._known:
            return None
        mine = set(self.imported)
        return [*self.imported, *(name for name in self._stock.known if name not in mine)][:_MOST_STEPS]


def _is_shelvable(spec: ModuleSpec) -> bool:
    origin = spec.origin
    if origin is None or not spec.has_location:
        return origin in ("built-in", "frozen")
    return world.is_standard(origin) or any(f"{os.sep}{name}{os.sep}" in origin for name in _LIBRARIES)


def _is_inside_a_library(frame: Any) -> bool:
    """Whether the innermost module that is being executed is one of a library."""
    while frame is not None:
        if frame.f_code.co_name == "<module>":
            spec = frame.f_globals.get("__spec__")
            if spec is not None and getattr(spec, "_initializing", False):
                return _is_shelvable(spec)
        frame = frame.f_back
    return False
