"""Installed libraries that are imported ahead: only where the run's environment asks for it. See docs/design/shelf.md.

A zygote imports this module only then.
"""

from __future__ import annotations

from rpytest_zygote.clerk import Clerk
from rpytest_zygote.stock import Stock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rpytest_zygote.shelf import Shelf


def stock_up(shelf: Shelf, steps: Sequence[str], control: int) -> set[str]:
    """Import what earlier runs imported, and have the shelf hand it out; returns the files that it was made from."""
    stock = Stock()
    stock.fill(steps, control, shelf)
    shelf.extend(lambda: Clerk(stock))
    return stock.files_and_packages()
