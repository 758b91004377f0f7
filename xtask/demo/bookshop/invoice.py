"""Invoices: lines with quantities, a total, and their form as CSV and as text."""

from __future__ import annotations

import csv
import datetime
import io
import string
import textwrap
from dataclasses import dataclass, field
from decimal import Decimal

from bookshop.catalogue import Book
from bookshop.money import Money

_LETTER = string.Template("Invoice of $date\n\n$lines\n\nTo be paid by $due: $total")


@dataclass(frozen=True)
class Line:
    book: Book
    quantity: int

    @property
    def total(self) -> Money:
        return self.book.price.times(self.quantity)


@dataclass
class Invoice:
    date: datetime.date
    lines: list[Line] = field(default_factory=list)
    days_to_pay: int = 14

    def add(self, book: Book, quantity: int = 1) -> None:
        if quantity < 1:
            raise ValueError("a line has one book at least")
        self.lines.append(Line(book, quantity))

    @property
    def total(self) -> Money:
        return sum((line.total for line in self.lines), Money(Decimal(0)))

    @property
    def due(self) -> datetime.date:
        return self.date + datetime.timedelta(days=self.days_to_pay)

    def as_csv(self) -> str:
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerows((line.book.isbn, line.quantity, line.total.amount) for line in self.lines)
        return out.getvalue()

    def as_text(self) -> str:
        lines = "\n".join(f"{line.quantity} x {textwrap.shorten(line.book.title, 24)}" for line in self.lines)
        return _LETTER.substitute(date=self.date.isoformat(), lines=lines, due=self.due.isoformat(), total=self.total)
