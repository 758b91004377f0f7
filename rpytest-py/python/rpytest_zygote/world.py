"""What may be done on the way to a run while a trial watches: functions of C and audit events, each reviewed.

Harmless is what sees only what it is given, and what changes nothing but this process: its forks have that change too.
Whatever is not named here ends the trial. See docs/design/latency.md.
"""

from __future__ import annotations

import builtins
import os
import sys
from types import FunctionType

from rpytest_zygote.unmeasured import PREFIX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BLIND_MODULES = _words(
    """
    _abc _ast _bisect _blake2 _bz2 _codecs _collections _contextvars _crypt _csv _datetime _decimal _elementtree
    _functools _hashlib _heapq _hmac _imp _io _json _lzma _md5 _opcode _operator _pickle _queue _sha1 _sha2 _sha256
    _sha3 _sha512 _sre _stat _statistics _string _struct _symtable _tokenize _typing _weakref _zoneinfo array binascii
    builtins cmath errno itertools marshal math pyexpat unicodedata zlib _multibytecodec _codecs_cn _codecs_hk
    _codecs_iso2022 _codecs_jp _codecs_kr _codecs_tw zipimport _suggestions
    """
)
"""Modules whose functions see what they are given: what they open is told by an audit event."""

_BLIND = _words(
    """
    _asyncio._get_running_loop _asyncio.get_running_loop
    _locale._getdefaultlocale _locale.getencoding _locale.nl_langinfo _socket.htonl
    _socket.htons _socket.inet_aton _socket.inet_ntoa _socket.inet_ntop _socket.inet_pton _socket.ntohl _socket.ntohs
    _sqlite3.register_adapter _sqlite3.register_converter _ssl.nid2obj _ssl.txt2obj _thread.RLock
    _thread.RLock.__enter__ _thread.RLock.__exit__ _thread.RLock._is_owned _thread.RLock.acquire _thread.RLock.release
    _thread._get_main_thread_ident _thread._is_main_interpreter _thread._local _thread.allocate_lock _thread.get_ident
    _thread.lock _thread.lock.__enter__ _thread.lock.__exit__ _thread.lock.acquire _thread.lock.locked
    _thread.lock.release _warnings._filters_mutated _warnings._filters_mutated_lock_held _warnings.warn
    _warnings.warn_explicit atexit._ncallbacks atexit.register gc.collect gc.disable gc.enable gc.get_threshold
    gc.is_tracked gc.isenabled posix.DirEntry.__fspath__ posix.DirEntry.is_dir posix.DirEntry.is_file
    posix.DirEntry.is_symlink posix.ScandirIterator.__enter__ posix.ScandirIterator.__exit__
    posix.ScandirIterator.__next__ posix.ScandirIterator.close posix.WIFEXITED posix._path_isabs posix._path_normpath
    posix._path_splitroot posix._path_splitroot_ex posix.fspath posix.get_terminal_size posix.getcwd posix.getegid
    posix.geteuid posix.getgid posix.getuid posix.isatty sys._clear_type_cache sys._getframe sys._getframemodulename
    sys._is_gil_enabled sys._is_interned sys.audit sys.exc_info sys.exception sys.get_int_max_str_digits
    sys.getdefaultencoding sys.getfilesystemencodeerrors sys.getfilesystemencoding sys.getrecursionlimit
    sys.getrefcount sys.getsizeof sys.intern sys.is_finalizing time.get_clock_info
    """
)
"""Single functions of other modules. Directory and users are those of the context."""

_NOT_BLIND = _words("_codecs.unregister _imp.lock_held builtins.breakpoint builtins.input")
CLOCKS = _words("now today utcnow")
"""Methods of `datetime`, and of others like it, that ask the clock. The time zone is compared before every run."""
MOMENTS = CLOCKS
"""Texts that name them for native code, and that NumPy and pandas take for the time."""
_WATCHED = _words("random _random socket select mmap sqlite3 ssl datetime")
"""Modules of Python code under whose name there are types that are written in C."""
_IN_C = os.path.join(os.path.dirname(os.__file__), "lib-dynload", "")

OURS = (os.path.dirname(__file__) + os.sep, PREFIX)
"""How the names of our files begin."""
NEVER = _words("_curses curses _tkinter tkinter antigravity this")
"""Modules that reach the terminal, or C code of which nothing is seen."""
NATIVE = _words(
    """
    bcrypt charset_normalizer coverage frozenlist httptools hypothesis jiter lz4
    markupsafe msgpack msgspec multidict numpy orjson pandas propcache pydantic_core regex rpds simplejson sqlalchemy
    tornado ujson wrapt xxhash yaml yarl zope zstandard
    """
)
"""Packages whose native code is known to look at nothing when it is imported (by `strace`) but the environment and the
processors that it may use, which are compared, and seeds for hash tables; nobody sees the end of what it makes."""
CTYPES = os.path.join(os.path.dirname(os.__file__), "ctypes", "__init__.py")
UNSEEN = tuple(map(_words, ("posix", "environ _data", "native_id", "st_atime", "st_atime_ns")))
"""Names in code that can read the environment, the number of a thread, or when a file was read, without a call."""
BY_TEXT = _words("__import__ import_module modules getattr vars __dict__")
"""Names in code that can get at such a thing by a text."""
HARMLESS_EVENTS = _words(
    """
    array.__new__ builtins.id code.__new__ compile cpython._PySys_ClearAuditHooks exec function.__new__ glob.glob
    glob.glob/2 marshal.dumps marshal.load marshal.loads object.__delattr__ object.__getattr__ object.__setattr__
    os.walk os.fwalk pathlib.Path.glob pathlib.Path.rglob pickle.find_class re.compile sys._getframe
    sys._getframemodulename sys.unraisablehook os.putenv os.unsetenv
    """
)
"""Audit events of what leaves no trace."""
KEEPS_ITS_NUMBER = {"execnet.gateway_base": "pid"}
"""Modules that ask for the number of their process in their body, by the name that they give it."""
KEEPS_ITS_MOMENT = {"hypothesis.internal.observability": "_imported_at"}
"""Modules that ask the clock in their body, in the same way."""
KEEPS_ITS_DICE = {"hypothesis.internal.conjecture.engine": "_random"}
"""Modules that make a generator of random numbers in their body, which seeds itself."""
KEY_OF_PROCESSES = os.path.join("multiprocessing", "process.py")
"""It draws a key, which each session does again."""
CAPTURE, _FAULTS, TIMING = (os.path.join("_pytest", name) for name in ("capture.py", "faulthandler.py", "timing.py"))
_OS = ("<frozen os>", os.__file__)
"""`os.environ`: what it changes is changed in each session."""
_SETTERS = (*_OS, *(os.path.join("numpy", core, "__init__.py") for core in ("core", "_core")))
"""NumPy sets a variable while it loads its BLAS, and removes it."""
TEMPORARY = os.path.join(os.path.dirname(os.__file__), "tempfile.py")
NAMELESS = _words("TemporaryFile opener")
"""Functions of `tempfile` that make files without a name."""
EXCUSED = {
    "dup": (CAPTURE, _FAULTS),
    "dup2": (CAPTURE,),
    "close": (CAPTURE, _FAULTS, TEMPORARY),
    "fstat": (CAPTURE,),
    "enable": (_FAULTS,),
    "is_enabled": (_FAULTS,),
    "cancel_dump_traceback_later": (_FAULTS,),
    "getpid": (TEMPORARY,),
    "write": (TEMPORARY,),
    "set_completer": (os.path.join(os.path.dirname(os.__file__), "rlcompleter.py"),),
    "putenv": _SETTERS,
    "unsetenv": _SETTERS,
}
"""Functions in C by name, and the files that may call them: what becomes of it is put right in each session."""
DICE = _words("seed getrandbits random __init__ __new__")
RANDOM = os.path.join(os.path.dirname(os.__file__), "random.py")
"""`tempfile` draws names, anew in each process."""
BETWEEN_DICE = (
    RANDOM,
    "secrets.py",
    "uuid.py",
    "<frozen importlib._bootstrap>",
    "<frozen importlib._bootstrap_external>",
)
DRAWS_AT_IMPORT = (
    os.path.join("numpy", "random", "__init__.py"),
    os.path.join("numpy", "random", "_pickle.py"),
    os.path.join("opentelemetry", "context", "__init__.py"),
    KEY_OF_PROCESSES,
)
"""NumPy seeds its global generator, which each session does again (`numerics`). OpenTelemetry makes keys that must
differ from each other, as they do."""
CLOCKS_OF_PYTEST = _words("time perf_counter")
KEEPERS_OF_TIME = tuple(os.path.join("_pytest", name) for name in ("terminal.py", "junitxml.py", "runner.py"))
"""They ask the clock for when the session began, and how long each collector takes."""
KEEP_THE_TIME = _words("_pytest.terminal _pytest.junitxml")
"""Modules of pytest whose plugins keep the time at which a session began, in the attributes `TIMES`."""
TIMES = _words("_session_start _sessionstarttime suite_start suite_start_time _collect_report_last_write")
FORK_HANDLERS = (os.path.join("concurrent", "futures", "thread.py"), os.path.join("asyncio", "events.py"))
"""They register fork handlers that only take and release a lock, or forget an event loop that there is not."""


def name(called: Any) -> tuple[str, str]:
    """The module and the name of a function in C, with the type that defines it."""
    owner, last = getattr(called, "__self__", None), getattr(called, "__name__", "?")
    if owner is None or isinstance(owner, type(sys)):
        module = getattr(called, "__module__", None) or getattr(owner, "__name__", None)
        if module is None and called.__qualname__.partition(".")[0] in vars(builtins):
            module = "builtins"  # a static method, such as `str.maketrans`
        return (module if isinstance(module, str) else "?"), last
    kind = owner if isinstance(owner, type) else type(owner)
    kind = next((base for base in type.mro(kind) if last in vars(base) and not _is_python(vars(base)[last])), kind)
    return str(kind.__module__), f"{kind.__name__}.{last}"


def _is_python(method: Any) -> bool:
    """A subclass may pass on what it was called for, by `super()`."""
    function = method.__func__ if type(method) in (classmethod, staticmethod) else method
    return type(function) is FunctionType


def is_harmless(module: str, name: str) -> bool:
    """Whether a function may be called. Native code from elsewhere is reviewed as a whole."""
    full, last = f"{module}.{name}", name.rpartition(".")[2]
    if full in _NOT_BLIND or (module in ("datetime", "_datetime") and last in CLOCKS):
        return False
    if module in _BLIND_MODULES or full in _BLIND or (module == "datetime" and last not in CLOCKS):
        return True
    return module not in _WATCHED and not _is_in_c(module)


def _is_in_c(module: str) -> bool:
    file = getattr(sys.modules.get(module), "__file__", None)
    return module in sys.builtin_module_names or module == "?" or str(file).startswith(_IN_C)


def is_standard(file: str) -> bool:
    """Whether a file is of the standard library."""
    library = os.path.dirname(os.__file__) + os.sep
    return file.startswith("<frozen ") or (file.startswith(library) and "-packages" not in file[len(library) :])
