"""Invoices."""

from __future__ import annotations

import datetime

import pytest
from bookshop.catalogue import Catalogue
from bookshop.invoice import Invoice
from bookshop.money import Money


def test_total_is_the_sum_of_the_lines(invoice: Invoice) -> None:
    assert invoice.total == Money.parse("178.99 EUR")


def test_an_empty_invoice_costs_nothing() -> None:
    assert Invoice(datetime.date(2024, 1, 1)).total == Money.parse("0 EUR")


def test_a_leap_year_has_a_day_more_to_pay(invoice: Invoice) -> None:
    assert invoice.due == datetime.date(2024, 3, 5)


@pytest.mark.parametrize("quantity", [0, -1])
def test_a_line_has_a_book(invoice: Invoice, catalogue: Catalogue, quantity: int) -> None:
    with pytest.raises(ValueError, match="one book at least"):
        invoice.add(next(iter(catalogue)), quantity)


def test_csv(invoice: Invoice) -> None:
    assert invoice.as_csv().splitlines() == ["978-0-13-110362-7,2,99.00", "978-0-201-03801-9,1,79.99"]


def test_text(invoice: Invoice) -> None:
    assert "2 x The C Programming [...]" in invoice.as_text()
    assert invoice.as_text().endswith("To be paid by 2024-03-05: 178.99 EUR")
