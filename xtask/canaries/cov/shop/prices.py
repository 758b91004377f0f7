import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal  # noqa: F401

CURRENCY = os.environ.get("SHOP_CURRENCY", "USD")

if CURRENCY == "EUR":
    SIGN, PLACES = "€", 2
elif CURRENCY == "JPY":
    SIGN, PLACES = "¥", 0
else:
    SIGN, PLACES = "$", 2


class Price:
    def __init__(self, cents: int) -> None:
        self.cents = cents

    def __repr__(self):
        return f"<{self.cents}>"

    def reduced(self, percent: int) -> "Price":
        if percent:
            return Price(self.cents * (100 - percent) // 100)
        return self


def price(text: str) -> Price:
    for letter in text:
        if letter not in "0123456789.":
            raise ValueError(text)
    whole, _, part = text.partition(".")
    return Price(int(whole) * 100 + (int(part) if part else 0))
