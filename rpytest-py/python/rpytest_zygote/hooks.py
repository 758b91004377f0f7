"""Who implements pytest's hooks beside pytest itself. See docs/design/inventory.md."""

from __future__ import annotations

import os
import sys
from typing import Any

from rpytest_zygote.events import text
from rpytest_zygote.known import is_known, text_of
from rpytest_zygote.places import is_installed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

SEE_ALL = (
    "pytest_cmdline_main",
    "pytest_collection",
    "pytest_collection_finish",
    "pytest_collection_modifyitems",
    "pytest_collectstart",
    "pytest_deselected",
    "pytest_itemcollected",
    "pytest_make_collect_report",
)
"""Hooks that may see more than one file, or how tests are selected."""
SEE_FILES = (
    *SEE_ALL,
    "pytest_collect_directory",
    "pytest_collect_file",
    "pytest_collectreport",
    "pytest_ignore_collect",
    "pytest_pycollect_makeitem",
    "pytest_pycollect_makemodule",
    "pytest_report_collectionfinish",
)
"""Hooks that would notice if a file were not collected."""
COLLECTING = (*SEE_FILES, "pytest_generate_tests", "pytest_make_parametrize_id")
"""Hooks that have a say in which tests there are, and in which order."""
SEE_ARGUMENTS = ("pytest_cmdline_parse", "pytest_cmdline_preparse", "pytest_load_initial_conftests")
"""Hooks that are given the arguments, and may change them."""
_DRAWING = "_hypothesis_pytestplugin"
"""Which examples it tries depends on which files have been imported."""


def foreign(config: Any, names: tuple[str, ...], own: tuple[str, ...]) -> dict[str, None]:
    """Implementations of these hooks that are not in the directories `own`, nor known to be of no effect on others."""
    found: dict[str, None] = {}
    for name in names:
        for function, file in _implementations(config, name):
            is_harmless = _is_harmless(function) and (names is SEE_ALL or not _draws(function))
            if not file.startswith(own) and not is_harmless:
                found[f"{name} in {text(file)}"] = None
    return found


def of_the_project(config: Any, names: tuple[str, ...], own: tuple[str, ...]) -> list[str]:
    """Implementations of these hooks that are neither installed nor in the directories `own`."""
    found = ((name, file) for name in names for _, file in _implementations(config, name))
    return [f"{name} in {text(file)}" for name, file in found if not file.startswith(own) and not is_installed(file)]


def installed_packages(config: Any, names: tuple[str, ...]) -> set[str]:
    """The installed packages that implement one of these hooks."""
    packages = (package(file) for name in names for _, file in _implementations(config, name))
    return {found for found in packages if found}


def known(config: Any, name: str) -> dict[str, list[str]]:
    """The texts of those implementations of a hook that have been read, by their files."""
    texts: dict[str, list[str]] = {}
    for function, file in _implementations(config, name):
        if _is_harmless(function):
            texts.setdefault(file, []).append(text_of(function))
    return texts


def package(file: str) -> str:
    """The first directory or file below `site-packages`; nothing for what is not installed."""
    before, _, below = file.rpartition("-packages" + os.sep)
    return before and before + os.sep + below.split(os.sep)[0]


def _implementations(config: Any, name: str) -> Iterator[tuple[Any, str]]:
    caller = getattr(config.pluginmanager.hook, name, None)  # not all versions have all hooks
    for implementation in caller.get_hookimpls() if caller is not None else ():
        code = getattr(implementation.function, "__code__", None)
        yield implementation.function, getattr(code, "co_filename", "?")


def _draws(function: Any) -> bool:
    return getattr(function, "__module__", None) == _DRAWING and "hypothesis" in sys.modules


def _is_harmless(function: Any) -> bool:
    try:
        return hasattr(function, "__code__") and is_known(function)
    except (OSError, StopIteration):
        return False
