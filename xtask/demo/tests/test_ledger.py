"""The ledger and the report made from it."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

import pytest
from bookshop import report
from bookshop.invoice import Invoice
from bookshop.ledger import Ledger
from bookshop.money import Money


def test_sales_add_up(ledger: Ledger, invoice: Invoice) -> None:
    numbers = {ledger.record(invoice) for _ in range(3)}
    assert len(numbers) == 3
    assert ledger.month("2024-02") == Money.parse("536.97 EUR")


def test_a_month_without_sales(ledger: Ledger) -> None:
    assert ledger.month("1999-12") == Money.parse("0 EUR")


def test_a_failed_transaction_leaves_nothing(
    ledger: Ledger, invoice: Invoice, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ZeroDivisionError), ledger.transaction():
        ledger.record(invoice)
        _ = 1 / 0
    assert ledger.month("2024-02") == Money.parse("0 EUR")
    assert caplog.record_tuples == [("bookshop.ledger", logging.WARNING, "sales rolled back")]


def test_a_good_transaction_is_kept(ledger: Ledger, invoice: Invoice) -> None:
    with ledger.transaction():
        ledger.record(invoice)
    assert ledger.month("2024-02") == invoice.total


def test_report(tmp_path: Path, invoice: Invoice, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "ledger.db")
    with sqlite3.connect(path) as connection:
        Ledger(connection).record(invoice)
    connection.close()
    assert report.main([path, "2024-02"]) == 0
    assert capsys.readouterr().out == "2024-02: 178.99 EUR\n"


@pytest.mark.slow
def test_typical_total(invoice: Invoice) -> None:
    empty = Invoice(invoice.date)
    assert report.typical_total([invoice, empty] * 100 + [invoice]) == pytest.approx(178.99)
