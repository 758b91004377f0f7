"""Amounts of money."""

from __future__ import annotations

from decimal import Decimal

import pytest
from bookshop.money import CurrencyMismatch, Money


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("1 EUR", "1", "EUR"),
        ("1.5EUR", "1.5", "EUR"),
        (" -3.25 USD ", "-3.25", "USD"),
        ("0.00 CHF", "0.00", "CHF"),
    ],
)
def test_parse(text: str, amount: str, currency: str) -> None:
    assert Money.parse(text) == Money(Decimal(amount), currency)


@pytest.mark.parametrize("text", ["", "EUR", "1,50 EUR", "1.234 EUR", "12 eur"])
def test_parse_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount of money"):
        Money.parse(text)


def test_amounts_are_exact() -> None:
    assert Money.parse("0.10 EUR") + Money.parse("0.20 EUR") == Money.parse("0.30 EUR")


def test_currencies_do_not_mix() -> None:
    with pytest.raises(CurrencyMismatch):
        _ = Money.parse("1 EUR") + Money.parse("1 USD")


def test_order() -> None:
    assert max(Money.parse("2 EUR"), Money.parse("10 EUR")) == Money.parse("10 EUR")


@pytest.mark.parametrize(("factor", "product"), [("0.5", "0.12"), ("1.5", "0.38"), ("3", "0.75")])
def test_halves_are_rounded_to_even(factor: str, product: str) -> None:
    assert Money.parse("0.25 EUR").times(Decimal(factor)).amount == Decimal(product)
