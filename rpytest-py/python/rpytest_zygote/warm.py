"""Which modules a zygote imports ahead of its runs: those that `python -m pytest` imports before anybody's own code."""

from __future__ import annotations

import sys

from rpytest_zygote.shelf import Shelf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rpytest_zygote.observe import StartUp


def fill_shelf(baseline: list[str], start_up: StartUp) -> tuple[Shelf, Exception | None]:
    """Import what every run imports, in a run's own order, and put it on a shelf; and what stopped that, if anything.

    The order is that of `pymain_run_module` (runpy), `runpy._run_module_as_main` (the package, before its `__main__`)
    and `_pytest.config.get_config` (the builtin plugins).
    """
    shelf = Shelf(baseline)
    try:
        with start_up.watch():
            shelf.add("runpy")
            shelf.add("pytest")
            for name in sys.modules["_pytest.config"].default_plugins:
                shelf.add(f"_pytest.{name}")
    except Exception as error:
        return shelf, error
    return shelf, None
