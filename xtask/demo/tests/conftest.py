"""What the tests of the shop have in common."""

from __future__ import annotations

import datetime
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from bookshop.catalogue import Catalogue
from bookshop.invoice import Invoice
from bookshop.ledger import Ledger

BOOKS = [
    {"isbn": "978-0-13-110362-7", "title": "The C Programming Language", "price": "49.50 EUR"},
    {"isbn": "978-0-201-03801-9", "title": "Fundamental Algorithms", "price": "79.99 EUR"},
    {"isbn": "978-0-262-51087-5", "title": "Structure and Interpretation", "price": "60 EUR"},
]


@pytest.fixture(scope="session")
def catalogue_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("catalogue") / "books.json"
    path.write_text(json.dumps(BOOKS), encoding="utf-8")
    return path


@pytest.fixture
def catalogue(catalogue_file: Path) -> Catalogue:
    return Catalogue.from_json(catalogue_file)


@pytest.fixture
def invoice(catalogue: Catalogue) -> Invoice:
    invoice = Invoice(datetime.date(2024, 2, 20))
    invoice.add(catalogue.find("The C Programming Language"), 2)
    invoice.add(catalogue.find("Fundamental Algorithms"))
    return invoice


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    yield connection
    connection.close()


@pytest.fixture
def ledger(connection: sqlite3.Connection) -> Ledger:
    return Ledger(connection)
