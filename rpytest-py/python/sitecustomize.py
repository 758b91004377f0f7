"""Entered by `site` while an interpreter starts: makes it a zygote, and lets its forks go on as ordinary runs.

The daemon starts `PYTHON -m pytest` with this directory first on `PYTHONPATH`. The import of this module blocks for as
long as the zygote lives; only in a forked session does it end, and then as the import of `sitecustomize` would have
ended without us: with the module of that name that the environment has, or with the ImportError that `site` expects.
Nothing of ours is left in `sys.modules`, on `sys.path` or in the environment.

Whatever goes wrong, the interpreter must not go on and run pytest on its own: hence `os._exit`. This file is read by
every Python there is. See docs/design/zygote.md.
"""

import os
import sys

UNSUPPORTED_PYTHON = 71
CRASHED = 70

if sys.version_info < (3, 9):  # noqa: UP036 - whatever `python` is, it reads this
    sys.stderr.write("Python %d.%d is too old to be kept warm" % sys.version_info[:2])  # noqa: UP031
    sys.stderr.flush()
    os._exit(UNSUPPORTED_PYTHON)

if "_RPYTEST_ZYGOTE" in os.environ:
    _before = set(sys.modules) - {__name__}
    _writes_no_bytecode = sys.dont_write_bytecode
    try:
        if sys.pycache_prefix is not None:
            # The user's directory for bytecode shows what was imported: ours must not be there.
            sys.dont_write_bytecode = True
            os.unlink(globals()["__cached__"])
            os.removedirs(os.path.dirname(globals()["__cached__"]))
    except OSError:
        pass
    try:
        from rpytest_zygote import start  # what was there before is noted first

        sys.dont_write_bytecode = _writes_no_bytecode
        _environments_own = start.enter(__file__, _before)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
        os._exit(CRASHED)
    if _environments_own is None:
        raise ModuleNotFoundError("No module named 'sitecustomize'", name="sitecustomize")
    sys.modules[__name__] = _environments_own
else:
    # Another interpreter within the process of a run: `site` is to find there what it would have found without us.
    sys.path[:] = [entry for entry in sys.path if entry != os.path.dirname(__file__)]
    sys.path_importer_cache.pop(os.path.dirname(__file__), None)
    del sys.modules[__name__]
    __import__(__name__)
