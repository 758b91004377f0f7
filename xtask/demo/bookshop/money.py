"""Amounts of money: exact, and never of two currencies at once."""

from __future__ import annotations

import locale
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from functools import total_ordering

_PATTERN = re.compile(r"(?P<amount>-?\d+(\.\d{1,2})?)\s*(?P<currency>[A-Z]{3})")
_CENT = Decimal("0.01")


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies cannot be added or compared."""


@total_ordering
@dataclass(frozen=True)
class Money:
    amount: Decimal
    currency: str = "EUR"

    @classmethod
    def parse(cls, text: str) -> Money:
        match = _PATTERN.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"not an amount of money: {text!r}")
        return cls(Decimal(match["amount"]), match["currency"])

    def __add__(self, other: Money) -> Money:
        self._require_currency_of(other)
        return Money(self.amount + other.amount, self.currency)

    def __lt__(self, other: Money) -> bool:
        self._require_currency_of(other)
        return self.amount < other.amount

    def times(self, factor: int | Decimal) -> Money:
        return Money((self.amount * factor).quantize(_CENT, ROUND_HALF_EVEN), self.currency)

    def __str__(self) -> str:
        return f"{locale.str(float(self.amount.quantize(_CENT)))} {self.currency}"

    def _require_currency_of(self, other: Money) -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency}")
