"""The ledger: what was sold and when, in a database."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import uuid
from collections.abc import Iterator
from decimal import Decimal

from bookshop.invoice import Invoice
from bookshop.money import Money

_log = logging.getLogger(__name__)


class Ledger:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.execute("CREATE TABLE IF NOT EXISTS sale (id TEXT PRIMARY KEY, month TEXT, amount TEXT)")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything that is recorded inside is kept, or nothing of it."""
        self._connection.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            _log.warning("sales rolled back")
            raise
        self._connection.execute("COMMIT")

    def record(self, invoice: Invoice) -> uuid.UUID:
        number = uuid.uuid4()
        row = (str(number), f"{invoice.date:%Y-%m}", str(invoice.total.amount))
        self._connection.execute("INSERT INTO sale VALUES (?, ?, ?)", row)
        _log.info("recorded %s", invoice.total)
        return number

    def month(self, month: str) -> Money:
        rows = self._connection.execute("SELECT amount FROM sale WHERE month = ?", (month,))
        return Money(sum((Decimal(amount) for (amount,) in rows), Decimal(0)))
