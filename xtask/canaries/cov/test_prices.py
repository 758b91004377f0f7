import subprocess
import sys
import threading

import pytest
from shop import price


@pytest.mark.parametrize("text, cents", [("1", 100), ("1.20", 120)])
def test_price(text, cents):
    assert price(text).cents == cents


def test_no_price():
    with pytest.raises(ValueError):
        price("x")


def test_import_in_a_test():
    from shop.stock import left

    assert left(3, 2) == 1


def test_in_a_thread():
    from shop.stock import left

    found = []
    thread = threading.Thread(target=lambda: found.append(left(1, 2)))
    thread.start()
    thread.join()
    assert found == [None]


def test_child():
    assert subprocess.check_output([sys.executable, "-m", "shop.child"], text=True) == "1\n"
