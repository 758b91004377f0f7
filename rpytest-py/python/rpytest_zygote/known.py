"""Functions of pytest and of plugins that have been read, by the checksum of their text: what is done ahead of a run,
and what is left out of one, rests on them.

Where one of them reads otherwise, it is done without. See docs/design/latency.md and docs/design/inventory.md.
"""

from __future__ import annotations

import zlib
from typing import Any

_READ = {
    # What runs from `pytest.__main__` to the builtin plugins, and may see the arguments: pytest 7.0 to 9.2.
    "main": "159610bd 1cb4f060 c520010e 3fa0a855 f20fe0b9 a8a65fc4 e57fdada ff0bd9dc",
    "_main": "17ad44d9 a9355aae 7fe5dc18 1d378823",
    "console_main": "18be49c8 18546c7a 5fd9ceb7",
    "_console_main": "f999dcb5",
    "_get_prog_name": "263f1529",
    "_prepareconfig": "c3594323 12bfdfaf fb6a38d6 8399a2a4 94c996d4",
    "get_config": "7fd7d9bd ef1bca2f 62f0f807 bb0d422b",
    "consider_preparse": "08470d78 62b0b2ca",
    # What runs from there to the hook for the first conftest files: pytest 7.4 to 9.2.
    "pytest_cmdline_parse": "79737f8f 4dd0b4b0 990718fb",
    "parse": "952a7332 c25001db 87dc67b6 6141f793 ead1a8ee ea56f001 d6419ff2",
    "_preparse": "1264b431 84ebf138 f706d6e5 d7c9be55",
    "_warn_about_skipped_plugins": "730cad74",
    # What runs from there to the first test: pytest 7.4 to 9.2.
    "wrap_session": "6d26507e deede6e1",
    "pytest_cmdline_main": "401e2cc4 79a65569 827c5bd0 740dcc9f",  # the last two are pytest-xdist's (3.8)
    # What executes a test module or a conftest: pytest 7.0 to 9.2.
    "exec_module": "6f230526 08d3e6c2",
    # What looks for fixtures in plugins: pytest 7.0 to 9.2.
    "parsefactories": "8c219cf4 364c0382 46c6b9bf f9df74b6 2346e33c 7daa4b5b 562edb91 84566f42 ee403dba",
    # Hooks of plugins that look at one thing at a time, or sort by that: pytest-asyncio 1.2 and 1.5, anyio 4.16,
    # hypothesis 6.141 and 6.170, pytest-django 4.11 and 4.14.
    "pytest_collection_finish": "5adcf593",
    "pytest_collection_modifyitems": "0d5df40b 795a59d3 aa1aed28 b3e96771",
    "pytest_collectstart": "87d6c45e",
    "pytest_ignore_collect": "bddce31b",
    "pytest_itemcollected": "36feec60",
    "pytest_pycollect_makeitem": "dad551e4",
    "pytest_pycollect_makeitem_convert_async_functions_to_subclass": "94d4f4d4 debf27f7",
    # What looks only for attributes of its own in all that was counted: hypothesis 6.141 and 6.170.
    "pytest_terminal_summary": "6004ff86 c001b631",
}


def is_known(function: Any) -> bool:
    """Whether this is a function of that name that has been read."""
    return checksum(function) in _READ.get(function.__name__, "").split()


def checksum(function: Any) -> str:
    """Of a function's text."""
    return f"{zlib.crc32(text_of(function).encode()):08x}"


def text_of(function: Any) -> str:
    """A function's lines from its `def` on. `linecache` is not asked: a run can see what is in it."""
    code = function.__code__
    with open(code.co_filename, encoding="utf-8") as file:
        return _block(file.read().splitlines()[code.co_firstlineno - 1 :])


def _block(lines: list[str]) -> str:
    """The function that begins in the first of these lines, or after its decorators."""
    first = next(number for number, line in enumerate(lines) if line.lstrip().startswith("def "))
    margin = _indent(lines[first])
    block = lines[first : first + 1]
    for line in lines[first + 1 :]:
        if line.strip() and _indent(line) <= margin and not line.lstrip().startswith(")"):
            break
        block.append(line)
    return "\n".join(block).rstrip()


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
