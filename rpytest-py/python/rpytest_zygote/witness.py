"""Watches imports in a process that is thrown away: what each module's import looked at, and what must not be done.

Nothing here is careful to leave no mark: the process ends after the trial. What would reach outside (a file written, a
connection, a child process) is refused. See docs/design/shelf.md.
"""

from __future__ import annotations

import builtins
import os
import sys

from rpytest_zygote import world

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType
    from typing import Any

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_NATIVE = ("ExtensionFileLoader",)


class Observed:
    """What was seen of the import of one module."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.origin: str | None = None
        self.kind = ""
        self.edges: list[str] = []
        self.denied: list[str] = []
        self.variables: dict[str, str | None] = {}
        self.whole_environment = False
        self.files: set[str] = set()
        self.lookups: dict[tuple[str, str], Any] = {}
        self.getters: dict[tuple[Any, ...], Any] = {}
        self.missing: set[str] = set()
        self.codes: set[CodeType] = set()
        self.exits: list[tuple[str, str]] = []
        self.conditions: set[str] = set()
        self.drawn: list[bytes] = []
        self.failed = False

    def deny(self, reason: str) -> None:
        if reason not in self.denied:
            self.denied.append(reason)


class Witness:
    """Sees all that the imports of this process do, and books it on the module that is being imported."""

    def __init__(self) -> None:
        self.modules: dict[str, Observed] = {}
        self._stack: list[Observed] = [Observed("")]
        self._base = set(sys.modules)
        self._known = 0
        self._judged: dict[Any, str | None] = {}
        self._bootstrap: Any = sys.modules["_frozen_importlib"]
        self._frames = {
            type(os.environ).__getitem__.__code__: self._variable,
            type(os.environ).__iter__.__code__: self._environment,
            type(os.environ).__len__.__code__: self._environment,
        }

    @property
    def current(self) -> Observed:
        return self._stack[-1]

    def begin(self) -> None:
        """From now on everything is seen."""
        self._wrap_lookups()
        self._wrap_importing()
        self._wrap_exits()
        sys.addaudithook(self._audit)

    def fail(self, name: str, reason: str) -> None:
        """A module must not be shelved, whatever was seen of itself."""
        self.modules.setdefault(name, Observed(name)).deny(reason)

    def settle(self) -> None:
        """An import has ended, however it did."""
        del self._stack[1:]

    # What is imported

    def _wrap_importing(self) -> None:
        bootstrap = self._bootstrap
        load, find_spec, import_ = bootstrap._load_unlocked, bootstrap._find_spec, builtins.__import__
        find_and_load = bootstrap._find_and_load

        def _load_unlocked(spec: Any) -> Any:
            seen = self._enter(spec)
            try:
                return load(spec)
            except BaseException as error:
                seen.failed = True
                if not isinstance(error, ImportError):
                    seen.deny(f"its import fails: {type(error).__name__}")
                raise
            finally:
                self._note_made()
                self._stack.pop()

        def _find_spec(name: str, path: Any, target: Any = None) -> Any:
            spec = find_spec(name, path, target)
            if spec is None:
                self.current.missing.add(name)
            return spec

        def _find_and_load(name: str, *rest: Any) -> Any:
            self.current.edges.append(name)
            return find_and_load(name, *rest)

        def importing(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
            full = self._absolute(name, globals, level)
            if full:
                self.current.edges.append(full)
            found = import_(name, globals, locals, fromlist, level)
            for item in fromlist or ():
                if f"{full}.{item}" in sys.modules:
                    self.current.edges.append(f"{full}.{item}")
                elif "__getattr__" in getattr(sys.modules.get(full), "__dict__", ()):
                    self._note_lazy(full, item)
            return found

        for function in (_load_unlocked, _find_spec, _find_and_load, importing):
            function.__code__ = function.__code__.replace(co_filename=load.__code__.co_filename)
        bootstrap._load_unlocked = _load_unlocked
        bootstrap._find_spec = _find_spec
        bootstrap._find_and_load = _find_and_load
        builtins.__import__ = importing

    def _note_lazy(self, package: str, item: str) -> None:
        """A package that imports its parts when they are asked for has imported this one, now or earlier."""
        origin = getattr(vars(sys.modules[package]).get(item), "__module__", None)
        if isinstance(origin, str) and origin in self.modules:
            self.current.edges.append(origin)

    def _absolute(self, name: str, globals: Any, level: int) -> str:
        if not level:
            return name
        try:
            package = self._bootstrap._calc___package__(globals)
            return str(self._bootstrap._resolve_name(name, package, level))
        except Exception:
            return ""

    def _note_made(self) -> None:
        """Modules that have come by no import, but were put there by native code, or by hand."""
        if len(sys.modules) == self._known:
            return
        for name in list(sys.modules):
            if name not in self.modules and name not in self._base:
                self.modules[name] = Observed(name)
                self.modules[name].kind = "made"
                self.current.edges.append(name)
        self._known = len(sys.modules)

    def _note_native(self, seen: Observed) -> None:
        """Native code may put there what is there already."""
        if seen.kind not in _NATIVE or seen.origin is None:
            return
        made = [name for name, other in self.modules.items() if other.kind == "made"]
        try:
            with open(seen.origin, "rb") as file:
                content = file.read()
        except OSError:
            return
        seen.edges += [name for name in made if name.encode() in content]

    def _enter(self, spec: Any) -> Observed:
        self._note_made()
        seen = self.modules.get(spec.name)
        if seen is not None and not seen.failed:
            seen.deny("it is imported twice")
        elif seen is not None:
            pass  # it failed before, and will again
        else:
            seen = self.modules[spec.name] = Observed(spec.name)
        seen.origin = spec.origin if isinstance(spec.origin, str) else None
        loader = spec.loader
        seen.kind = loader.__name__ if isinstance(loader, type) else type(loader).__name__
        if seen.kind in _NATIVE and not world.is_standard(seen.origin):
            seen.deny("is native code, which cannot be loaded a second time where it must not be handed out")
        if spec.name in world.NEVER:
            seen.deny("is never imported ahead")
        self._stack.append(seen)
        self._note_native(seen)
        return seen

    # What is looked at

    def _wrap_lookups(self) -> None:
        for full in world.LOOKUPS | world.GETTERS | {"posix.urandom"}:
            module, _, name = full.partition(".")
            original = getattr(sys.modules.get(module), name, None)
            if original is None:
                continue
            if full in world.LOOKUPS:
                wrapper = self._lookup(original)
            else:
                wrapper = self._draw(original) if name == "urandom" else self._getter(full, original)
            for where in (os.supports_dir_fd, os.supports_effective_ids, os.supports_fd, os.supports_follow_symlinks):
                if original in where:
                    where.add(wrapper)
            for holder in map(sys.modules.get, (module, "os", "random", "locale")):
                for key in (name, f"_{name}"):
                    if getattr(holder, key, None) is original:
                        setattr(holder, key, wrapper)

    def _lookup(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def look(path: Any, *rest: Any, **keywords: Any) -> Any:
            try:
                answer = original(path, *rest, **keywords)
            except OSError:
                answer = None
                raise
            finally:
                if not self._is_importing(sys._getframe(1)):
                    self._note_path(path, original.__name__, rest, keywords, answer)
            return answer

        return look

    def _note_path(self, path: Any, what: str, rest: Any, keywords: Any, answer: Any) -> None:
        follow = keywords.pop("follow_symlinks", True) and what != "lstat"
        if what in ("stat", "lstat"):
            what = "stat" if follow else "lstat"
        if (
            isinstance(path, int)
            or any(value is not None for value in keywords.values())
            or (rest and what != "access")
        ):
            self.current.deny(f"asks {what} of an open file")
            return
        text = os.fsdecode(path)
        if not os.path.isabs(text) or text.startswith(("/proc/", "/dev/")):
            self.current.deny(f"looks up {text!r}")
        self.current.lookups[(what, text, *rest)] = world.gist(answer)

    def _getter(self, full: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def ask(*arguments: Any) -> Any:
            answer = original(*arguments)
            seen = self.current
            if full == "_locale.setlocale" and len(arguments) > 1 and arguments[1] is not None:
                seen.deny("sets the locale")
            elif full == "time.strftime" and len(arguments) < 2:
                seen.deny("asks for the time")
            elif not self._is_importing(sys._getframe(1)):
                seen.getters[(full, *map(world.plain, arguments))] = world.plain(answer)
            return answer

        return ask

    def _draw(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def draw(size: int) -> bytes:
            drawn: bytes = original(size)
            self.current.drawn.append(drawn)
            return drawn

        return draw

    def _wrap_exits(self) -> None:
        import atexit

        original = atexit.register

        def register(function: Any, *arguments: Any, **keywords: Any) -> Any:
            name = getattr(function, "__qualname__", "<")
            module = getattr(function, "__module__", None) or ""
            if arguments or keywords or world.resolve(module, name) != function:
                self.current.deny("registers an exit function that has no name")
            self.current.exits.append((module, name))
            return original(function, *arguments, **keywords)

        atexit.register = register  # type: ignore[assignment]

    def _variable(self, frame: FrameType) -> None:
        key = frame.f_locals.get("key")
        if isinstance(key, str):
            data = os.environ._data  # type: ignore[attr-defined]
            value = data.get(os.fsencode(key))
            self.current.variables.setdefault(key, None if value is None else os.fsdecode(value))
        else:
            self.current.whole_environment = True

    def _environment(self, frame: FrameType) -> None:
        self.current.whole_environment = True

    # What is called

    def profile(self, frame: FrameType, event: str, called: Any) -> None:
        if event == "call":
            code = frame.f_code
            seen = self._stack[-1]
            if code not in seen.codes and not code.co_filename.startswith("<frozen importlib._"):
                seen.codes.add(code)
            special = self._frames.get(code)
            if special is not None:
                special(frame)
        elif event == "c_call" and frame.f_code.co_filename != __file__:
            reason = self._judge(called)
            if reason is not None and not self._is_importing(frame):
                self._deny_unless_reviewed(reason)

    def _deny_unless_reviewed(self, called: str) -> None:
        condition = world.REVIEWED.get((self.current.name, called))
        if condition is None:
            self.current.deny(f"calls {called}")
        elif condition:
            self.current.conditions.add(condition)

    @staticmethod
    def _is_importing(frame: FrameType) -> bool:
        return frame.f_code.co_filename.startswith("<frozen importlib")

    def _judge(self, called: Any) -> str | None:
        """The name of a function that may see or change the world; None for a harmless one."""
        owner = getattr(called, "__self__", None)
        name = getattr(called, "__name__", "?")
        if owner is None or isinstance(owner, type(sys)):
            module = getattr(called, "__module__", None) or getattr(owner, "__name__", None) or "?"
        else:
            kind = owner if isinstance(owner, type) else type(owner)
            module = kind.__module__
            name = f"{kind.__name__}.{name}"
        if not isinstance(module, str):
            return None
        key = (module, name)
        if key not in self._judged:
            self._judged[key] = self._sentence(module, name)
        return self._judged[key]

    @staticmethod
    def _sentence(module: str, name: str) -> str | None:
        full = f"{module}.{name}"
        last = name.rpartition(".")[2]
        if (module in ("datetime", "_datetime") and last in world.CLOCKS) or full in world.NOT_BLIND:
            return full
        if module in world.BLIND_MODULES or full in world.BLIND:
            return None
        if module in _c_modules() or module in ("random", "_random", "socket", "select", "mmap", "sqlite3", "ssl"):
            return full
        return None

    def _note_opened(self, path: str) -> None:
        if not os.path.isabs(path) or path.startswith(("/proc/", "/dev/")):
            self.current.deny(f"reads {path}")
        self.current.files.add(path)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in world.HARMLESS_EVENTS:
            return
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, int):
                return
            text = os.fsdecode(path)
            if (flags or 0) & _WRITING:
                self.current.deny(f"writes {text}")
                raise PermissionError(f"a trial does not write {text}")
            self._note_opened(text)
        elif event in world.LISTINGS:
            if not self._is_importing(sys._getframe(1)):
                self._note_opened(os.fsdecode(arguments[0] or "."))
        elif (
            (event == "ctypes.dlopen" and arguments[0] is None)
            or (event == "os.mkdir" and os.path.isdir(arguments[0]))
            or (event in ("sys.setprofile", "sys.settrace") and sys._getframe(1).f_code.co_filename == __file__)
        ):
            return
        else:
            self.current.deny(f"does {event}")
            if not event.startswith(("ctypes.", "sys.", "gc.", "socket.__new__", "cpython.")):
                raise PermissionError(f"a trial does no {event}")


def _c_modules() -> frozenset[str]:
    """The modules of the standard library that are written in C."""
    library = os.path.dirname(os.__file__) + os.sep + "lib-dynload"
    loaded = {name for name, module in sys.modules.items() if str(getattr(module, "__file__", "")).startswith(library)}
    return frozenset(sys.builtin_module_names) | loaded
