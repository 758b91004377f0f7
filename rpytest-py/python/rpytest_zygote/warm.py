"""Which modules a zygote imports ahead of its runs: those that `python -m pytest` imports before anybody's own code.

See docs/design/zygote.md.
"""

from __future__ import annotations

import os
import sys

from rpytest_zygote import observe
from rpytest_zygote.shelf import Shelf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_OLDEST_PYTEST = 7


def fill_shelf(baseline: list[str], start_up: observe.StartUp) -> tuple[Shelf, Exception | None]:
    """Import what every run imports, in a run's own order, and put it on a shelf; and what stopped that, if anything.

    The order is that of `pymain_run_module` (runpy), `runpy._run_module_as_main` (the package, before its `__main__`)
    and `_pytest.config.get_config` (the builtin plugins, and what completes arguments in a shell).
    """
    shelf = Shelf(baseline)
    in_the_way = start_up.anew or observe.obstacle()
    if in_the_way is not None:
        return shelf, RuntimeError(in_the_way)
    try:
        with start_up.watch(), start_up.note_missing():
            shelf.add("runpy")
            shelf.add("pytest")
            if int(sys.modules["pytest"].__version__.partition(".")[0]) < _OLDEST_PYTEST:
                raise RuntimeError(f"pytest {sys.modules['pytest'].__version__} is too old to be kept warm")
            config: Any = sys.modules["_pytest.config"]
            if os.path.exists(os.path.join(os.path.dirname(config.__file__), "compat.py")):  # up to pytest 7
                shelf.add("_pytest.config.compat")
            for name in (*config.default_plugins, "_argcomplete"):
                shelf.add(f"_pytest.{name}")
    except Exception as error:
        return shelf, error
    return shelf, None
