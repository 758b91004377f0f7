"""What an import may do while a trial watches it: C functions and audit events by what they can see or change.

What is named nowhere here makes the module that does it, and all that import it, ones that are never shelved. See
docs/design/shelf.md.
"""

from __future__ import annotations

import gc
import os
import stat
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


BLIND_MODULES = _words(
    """
    _abc _ast _asyncio _bisect _blake2 _bz2 _codecs _collections _contextvars _crypt _csv _ctypes _datetime
    _decimal _elementtree _functools _hashlib _heapq _hmac _imp _io _json _lzma _md5 _opcode _operator _pickle
    _queue _sha1 _sha2 _sha256 _sha3 _sha512 _sre _stat _statistics _string _struct _symtable _tokenize _typing
    _uuid _weakref _zoneinfo array binascii builtins cmath errno itertools marshal math operator pyexpat types
    typing unicodedata zlib functools collections abc decimal datetime re struct pickle json csv io enum
    contextvars queue _multibytecodec _codecs_cn _codecs_hk _codecs_iso2022 _codecs_jp _codecs_kr _codecs_tw
    weakref importlib _frozen_importlib _frozen_importlib_external zipimport hashlib uuid asyncio _suggestions
    """
)
"""C code that sees what it is given, and nothing of the world: what it opens is told by an audit event."""

BLIND = _words(
    """
    atexit._ncallbacks gc.collect gc.disable gc.enable gc.get_count gc.get_threshold gc.isenabled gc.is_tracked
    _locale._getdefaultlocale _locale.nl_langinfo _signal.getsignal _signal.valid_signals _socket.inet_aton
    _socket.inet_ntoa _socket.inet_ntop _socket.inet_pton _socket.htonl _socket.htons _socket.ntohl _socket.ntohs
    _socket.getdefaulttimeout _ssl.RAND_status _ssl.get_default_verify_paths _ssl.nid2obj _ssl.txt2obj
    _thread.RLock.__enter__ _thread.RLock.__exit__ _thread.RLock.acquire _thread.RLock.release
    _thread.RLock._is_owned _thread.lock.__enter__ _thread.lock.__exit__ _thread.lock.acquire _thread.lock.release
    _thread.lock.locked _thread.RLock _thread._set_sentinel _thread.allocate_lock _thread.get_ident _thread._local
    _thread.lock _thread._is_main_interpreter _thread._make_thread_handle _thread._get_main_thread_ident
    _warnings._filters_mutated _warnings._filters_mutated_lock_held posix.fspath posix._path_normpath
    posix._path_splitroot posix._path_splitroot_ex posix.WIFEXITED posix.putenv posix.unsetenv posix._inputhook
    posix.DirEntry posix._path_isabs sys._clear_type_cache sys._getframe sys._getframemodulename sys.audit
    sys.call_tracing sys.exc_info sys.exception sys.get_int_max_str_digits sys.getallocatedblocks
    sys.getdefaultencoding sys.getfilesystemencodeerrors sys.getfilesystemencoding sys.getrecursionlimit
    sys.getrefcount sys.getsizeof sys.intern sys.is_finalizing sys.is_stack_trampoline_active
    sys.getswitchinterval sys._is_gil_enabled sys._is_interned atexit.register posix.listdir posix.mkdir
    posix.scandir time.get_clock_info time.tzset
    """
)
"""Functions of other modules that are as harmless, or are seen in another way, or whose effect is looked for."""

NOT_BLIND = _words(
    """
    _codecs.register _codecs.register_error _codecs.unregister _imp.lock_held builtins.breakpoint builtins.input
    _asyncio._set_running_loop
    """
)
"""What sets something where nobody could look for it."""

GETTERS = _words(
    """
    posix.getcwd posix.uname posix.cpu_count posix.getuid posix.geteuid posix.getgid posix.getegid posix.sysconf
    posix.confstr posix.sched_getaffinity posix.getlogin posix.process_cpu_count _locale.setlocale time.strftime
    """
)
"""Functions whose answer is asked for again, and must be the same."""

LOOKUPS = _words("posix.stat posix.lstat posix.access posix.readlink")
"""Functions that look up the path that is their first argument."""

CLOCKS = _words("now today utcnow")
"""Class methods of `datetime` that ask the clock."""

REVIEWED = {
    # It keeps the year and the century: `parserinfo.__init__`.
    ("dateutil.parser._parser", "time.localtime"): "year",
    # Lets go of a lock of its own in the child, and holds it meanwhile: nothing that anybody could see.
    ("concurrent.futures.thread", "posix.register_at_fork"): "",
}
"""What single modules do that otherwise would keep them off the shelf; what then must be the same."""

NEVER = _words("readline _curses curses antigravity this _tkinter tkinter")
"""Modules of the standard library that reach the terminal or the C environment where nothing can watch it."""

HARMLESS_EVENTS = _words(
    """
    array.__new__ builtins.id code.__new__ compile cpython._PySys_ClearAuditHooks cpython.PyInterpreterState_New
    ctypes.addressof ctypes.dlsym ctypes.dlsym/handle ctypes.get_errno ctypes.set_errno exec function.__new__
    gc.get_referents gc.get_referrers glob.glob glob.glob/2 import marshal.dumps marshal.load marshal.loads
    object.__delattr__ object.__getattr__ object.__setattr__ os.putenv os.unsetenv os.walk os.fwalk
    pickle.find_class re.compile sys._getframe sys._getframemodulename sys.unraisablehook sys.excepthook
    """
)
"""Audit events of what leaves no trace, or one that is looked for afterwards."""

LISTINGS = frozenset(("os.listdir", "os.scandir"))
"""Audit events whose first argument is a directory that is read."""


def standing() -> dict[str, Any]:
    """The settings of this process that live in C, and what belongs to it in the kernel."""
    import _locale
    import _signal  # type: ignore[import-not-found]

    return {
        "the locale": _locale.setlocale(_locale.LC_ALL),
        "the recursion limit": sys.getrecursionlimit(),
        "the switch interval": sys.getswitchinterval(),
        "the collector": (gc.isenabled(), gc.get_threshold(), gc.get_debug()),
        "handlers of signals": [_signal.getsignal(number) for number in range(1, _signal.NSIG)],
        "the environment": dict(os.environ._data),  # type: ignore[attr-defined]
        "the working directory": os.getcwd(),
        "tracing": (sys.gettrace(), sys.getprofile()),
        "hooks": (sys.excepthook, sys.displayhook, sys.breakpointhook, sys.unraisablehook),
        "sys.path": list(sys.path),
    }


def gist(answer: Any) -> Any:
    """What of a looked-up path's description must stay as it is: a directory may gain and lose entries."""
    if not isinstance(answer, os.stat_result):
        return answer
    if stat.S_ISDIR(answer.st_mode):
        return (answer.st_mode, answer.st_ino, answer.st_dev)
    return (answer.st_mode, answer.st_ino, answer.st_dev, answer.st_size, answer.st_mtime_ns)


def plain(value: Any) -> Any:
    """A getter's argument or answer as data."""
    if isinstance(value, (tuple, list, set)):
        return tuple(map(plain, value))
    return value if isinstance(value, (int, float, str, bytes, type(None))) else repr(value)


def resolve(module: str, name: str) -> Any:
    """What a qualified name means now."""
    thing = sys.modules.get(module)
    for part in name.split("."):
        thing = getattr(thing, part, None)
    return thing


def is_standard(origin: str | None) -> bool:
    """Whether a file is the standard library's; what has no file is too."""
    library = os.path.dirname(os.__file__) + os.sep
    if origin is None or not os.path.isabs(origin):
        return True
    return origin.startswith(library) and "-packages" not in origin[len(library) :]
