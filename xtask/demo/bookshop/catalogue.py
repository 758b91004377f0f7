"""The books on sale, read from JSON or XML."""

from __future__ import annotations

import difflib
import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bookshop.money import Money


class UnknownBook(KeyError):
    """There is no such book; the message names the most similar one."""


@dataclass(frozen=True)
class Book:
    isbn: str
    title: str
    price: Money

    def __post_init__(self) -> None:
        if not _is_isbn(self.isbn):
            raise ValueError(f"not an ISBN: {self.isbn}")


class Catalogue:
    def __init__(self, books: Iterable[Book]) -> None:
        self._books = {book.title: book for book in books}

    @classmethod
    def from_json(cls, path: Path) -> Catalogue:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return cls(Book(entry["isbn"], entry["title"], Money.parse(entry["price"])) for entry in entries)

    @classmethod
    def from_xml(cls, text: str) -> Catalogue:
        root = ElementTree.fromstring(text)
        return cls(Book(item.attrib["isbn"], item.text or "", Money.parse(item.attrib["price"])) for item in root)

    def __iter__(self) -> Iterator[Book]:
        return iter(self._books.values())

    def __len__(self) -> int:
        return len(self._books)

    def find(self, title: str) -> Book:
        try:
            return self._books[title]
        except KeyError:
            similar = difflib.get_close_matches(title, self._books, n=1)
            raise UnknownBook(f"{title}, perhaps {similar[0]}" if similar else title) from None


def _is_isbn(text: str) -> bool:
    digits = text.replace("-", "")
    if len(digits) != 13 or not digits.isdecimal():
        return False
    return sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(digits)) % 10 == 0
