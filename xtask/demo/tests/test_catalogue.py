"""The books on sale."""

from __future__ import annotations

import pytest
from bookshop.catalogue import Book, Catalogue, UnknownBook
from bookshop.money import Money


def test_all_books_are_read(catalogue: Catalogue) -> None:
    assert len(catalogue) == 3


def test_a_book_is_found_by_its_title(catalogue: Catalogue) -> None:
    assert catalogue.find("Fundamental Algorithms").price == Money.parse("79.99 EUR")


def test_a_similar_title_is_suggested(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownBook, match="perhaps Fundamental Algorithms"):
        catalogue.find("Fundamental Algorithm")


def test_books_come_in_the_order_of_the_file(catalogue: Catalogue) -> None:
    assert [book.title.split()[0] for book in catalogue] == ["The", "Fundamental", "Structure"]


def test_xml() -> None:
    catalogue = Catalogue.from_xml('<books><book isbn="9780131103627" price="5 EUR">C</book></books>')
    assert catalogue.find("C").price == Money.parse("5 EUR")


@pytest.mark.parametrize("isbn", ["", "978-0-13-110362-8", "0-13-110362-8", "978x131103627"])
def test_an_isbn_is_checked(isbn: str) -> None:
    with pytest.raises(ValueError, match="not an ISBN"):
        Book(isbn, "C", Money.parse("5 EUR"))
