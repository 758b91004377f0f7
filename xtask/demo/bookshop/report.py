"""What the shop keeper reads at the end of a month, from the command line."""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from bookshop.invoice import Invoice
from bookshop.ledger import Ledger


def typical_total(invoices: Sequence[Invoice]) -> float:
    with ThreadPoolExecutor(max_workers=2) as pool:
        totals = pool.map(lambda invoice: invoice.total.amount, invoices)
        return float(statistics.median(totals))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="report", description=__doc__)
    parser.add_argument("database")
    parser.add_argument("month")
    options = parser.parse_args(arguments)
    connection = sqlite3.connect(options.database)
    try:
        print(f"{options.month}: {Ledger(connection).month(options.month)}")
    finally:
        connection.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
