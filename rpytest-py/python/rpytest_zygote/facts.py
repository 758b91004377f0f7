"""What a zygote was made from, for the daemon: it compares before every run, and makes another one where it differs.

See docs/design/daemon.md.
"""

from __future__ import annotations

import os
import sys
from importlib import machinery
from typing import Any

from rpytest_zygote.observe import StartUp, absent_entries, path_files, site_directories
from rpytest_zygote.shelf import Shelf

_CUSTOMIZATIONS = {"sitecustomize", "usercustomize"}
"""Modules that `site` looks for at every start, and mostly does not find."""


def facts(shelf: Shelf, start_up: StartUp) -> dict[str, Any]:
    """As `SessionFacts` in `rpytest-ipc/src/messages.rs` has it."""
    pytest = shelf.modules()["pytest"]
    return {
        "python": ".".join(map(str, sys.version_info[:3])),
        "pytest": pytest.__version__,
        "executable": sys.executable,
        "files": sorted(_files(shelf, start_up)),
        "directories": sorted(_fixed_directories()),
        "path": [entry for entry in sys.path if not _is_fixed(entry)],
        "safe_path": bool(getattr(sys.flags, "safe_path", False)),
        "names": sorted({name.partition(".")[0] for name in (*shelf.modules(), *start_up.missing)}),
        "start_names": sorted({name.partition(".")[0] for name in shelf.baseline} | _CUSTOMIZATIONS),
        "suffixes": machinery.all_suffixes(),
        "variables": None if start_up.variables is None else sorted(start_up.variables),
    }


def _files(shelf: Shelf, start_up: StartUp) -> set[str]:
    """Every file of the user's that was executed, and those that decided which."""
    names = shelf.baseline - {"sitecustomize"}  # ours: the first daemon there is has just written it
    modules = [*shelf.modules().values(), *(sys.modules[name] for name in names if name in sys.modules)]
    specs = [getattr(module, "__spec__", None) for module in modules]
    files = {spec.origin for spec in specs if spec is not None and spec.has_location and spec.origin}
    package = os.path.dirname(shelf.modules()["pytest"].__file__ or "")
    files.add(os.path.join(package, "__main__.py"))  # executed, though not imported
    base = getattr(sys, "_base_executable", sys.executable)
    bin_directory = os.path.dirname(sys.executable)
    configurations = [os.path.join(place, "pyvenv.cfg") for place in (bin_directory, os.path.dirname(bin_directory))]
    own = {start_up.customization} if start_up.customization else set()
    # Archives, and directories that are not there: what they would hold is not known.
    others = {entry for entry in sys.path if not _is_fixed(entry) and not os.path.isdir(entry)} | absent_entries()
    return {*files, *own, *others, *path_files(), os.path.realpath(base), *configurations, *read_by_openssl()}


def read_by_openssl() -> list[str]:
    """OpenSSL reads its configuration as soon as `hashlib` is imported."""
    if "_hashlib" not in sys.modules:
        return []
    named = os.environ.get("OPENSSL_CONF")
    usual = ["/etc/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf", os.path.join(sys.base_prefix, "ssl", "openssl.cnf")]
    return [*usual, os.path.abspath(named)] if named else usual


def _fixed_directories() -> set[str]:
    """Directories in which anything added or removed may matter: the installation's own, present or not."""
    return {*site_directories(), *(entry for entry in sys.path if _is_fixed(entry))}


def _is_fixed(entry: str) -> bool:
    return entry.startswith((sys.prefix + os.sep, sys.base_prefix + os.sep)) or entry in site_directories()
