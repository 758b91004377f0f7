"""Start-up code that each run must execute anew: what it does or learns is not the same in every process.

`.pth` files and `sitecustomize` run once in a zygote, and its sessions inherit what they have made. That is right for
code that makes the same of the same variables, which is what most of it does. See docs/design/zygote.md.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType
    from typing import Any

_WORLD = {"posix", "time", "datetime", "io", "_io", "_socket", "_posixsubprocess", "_random", "_signal", "fcntl"}
_HARMLESS = {
    *("fspath", "getcwd", "cpu_count", "uname", "putenv", "unsetenv", "register_at_fork", "text_encoding"),
    *("_path_normpath", "_path_splitroot", "_path_splitroot_ex"),
}
_HEARS = "addaudithook"
"""Of `sys`: whoever hears what is done would hear less in a warm interpreter."""
_PUT_RIGHT = {"logging", "random"}
"""Modules of which a session puts right what they have from their import."""
_WORDS = {
    *("getpid", "getppid", "time", "time_ns", "monotonic", "perf_counter", "now", "utcnow", "today"),
    *("random", "randint", "randrange", "choice", "urandom", "uuid1", "uuid4", "token_hex"),
    *("signal", "socket", "Popen", "check_call", "check_output", "system", "fork", _HEARS),
}
"""Not what has to do with files: lines that look whether something is set up, and set it up, are too common."""
_IMPORT_SYSTEM = ("<frozen importlib", "<frozen zipimport")
_KNOWN = ("_distutils_hack", "_virtualenv", "__editable___", "rpytest_zygote", "sitecustomize")
"""Beginnings of the names of modules that are watched otherwise, or need not be."""


class Doings:
    """Watches for the length of a `with` block which functions of C are called that act on the world or look at it.

    Looking is as bad: a file may be there in the next run. The import system's own looks are passed over: what it has
    found is compared.
    """

    def __init__(self) -> None:
        self.first: str | None = None

    def __enter__(self) -> Doings:
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        if sys.getprofile() == self._note:
            sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, function: Any) -> None:
        if event != "c_call" or self.first is not None or frame.f_code.co_filename.startswith(_IMPORT_SYSTEM):
            return
        place = {"sys"} if function.__name__ == _HEARS else _places(function) & _WORLD
        if place and function.__name__ not in _HARMLESS and not _is_put_right(frame):
            self.first = f"{min(place).lstrip('_')}.{function.__name__}"


def _places(function: Any) -> set[str]:
    """The modules that a function of C is from, or the types that it is a method of."""
    owner = getattr(function, "__self__", None)
    kind = getattr(function, "__objclass__", owner if isinstance(owner, type) else type(owner))
    return {str(function.__module__), *(base.__module__ for base in kind.__mro__)}


def _is_put_right(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_name == "<module>" and frame.f_globals.get("__name__") in _PUT_RIGHT:
            return True
        frame = frame.f_back
    return False


def telling_word(lines: list[str]) -> str | None:
    """What code of `.pth` files has run before anybody could watch: a word in it, or in what it has imported, that
    stands for something that is not the same in each process.
    """
    codes = [code for line in lines for code in _of_line(line)]
    for name, module in list(sys.modules.items()):
        loader: Any = getattr(getattr(module, "__spec__", None), "loader", None)
        if hasattr(loader, "get_code") and not name.startswith(_KNOWN) and is_elsewhere(module):
            code = loader.get_code(name)
            codes += [] if code is None else [code]
    words: set[str] = set()
    while codes:
        code = codes.pop()
        words.update(code.co_names)
        # Of functions only those that something may have called.
        codes += [inner for inner in _inner(code) if inner.co_name in words or inner.co_name == "<module>"]
    return min(words & _WORDS, default=None)


def _of_line(line: str) -> Iterator[CodeType]:
    """The line, and the texts in it that may be executed."""
    code = compile(line, "<line>", "exec")
    yield code
    for constant in code.co_consts:
        if isinstance(constant, str):
            try:
                yield compile(constant, "<text>", "exec")
            except (SyntaxError, ValueError):
                continue


def _inner(code: CodeType) -> list[CodeType]:
    return [constant for constant in code.co_consts if isinstance(constant, type(code))]


def is_elsewhere(module: Any) -> bool:
    """Not the standard library's."""
    path = getattr(module, "__file__", None) or ""
    library = os.path.dirname(os.__file__) + os.sep
    return path != "" and (not path.startswith(library) or "-packages" in path[len(library) :])
