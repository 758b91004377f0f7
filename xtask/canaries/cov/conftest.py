import os

os.environ["SHOP_CURRENCY"] = "EUR"

from shop import prices


def pytest_report_header():
    return f"currency: {prices.CURRENCY}"
