"""What a process has beside the memory that a fork copies, as far as a trial may have changed it.

See docs/design/latency.md.
"""

from __future__ import annotations

import _random
import gc
import sys
from typing import Any

_MAPS = "/proc/self/maps"
_NAMED = 5


def standing(seeded: list[Any]) -> dict[str, Any]:
    """By what it is; some of it is put right in each session. `seeded` are generators of random numbers that the
    program has made, and seeded."""
    dice = getattr(sys.modules.get("random"), "_inst", None)
    with open(_MAPS, encoding="utf-8", errors="surrogateescape") as file:
        lines = [line.rstrip("\n").split(None, 5) for line in file]
    mapped = {line[5] for line in lines if len(line) > _NAMED and line[5].startswith("/")}
    return {
        "hooks": (sys.gettrace(), gc.callbacks[:]),
        "random numbers": dice.getstate() if dice is not None else None,
        "generators": set(map(id, _generators(seeded))),
        "modules": set(sys.modules),
        "maps": mapped,
        "shared memory": sorted(line[5:] for line in lines if line[1].endswith("s")),
    }


def has_event_loop() -> bool:
    """Whether asyncio has one, or was told that there is none, for its main thread."""
    policy = vars(sys.modules.get("asyncio.events", sys)).get("_event_loop_policy")
    local: Any = getattr(policy, "_local", None)
    return getattr(local, "_set_called", False) or getattr(local, "_loop", None) is not None


def _generators(seeded: list[Any]) -> list[Any]:
    """Generators of random numbers: one that is made seeds itself, where no call is seen."""
    base, system = _random.Random, getattr(sys.modules.get("random"), "SystemRandom", ())
    own = vars(sys.modules.get("tempfile", sys)).get("_name_sequence")
    found = [each for each in gc.get_objects() if base in type.mro(type(each)) and not isinstance(each, system)]
    known = [*seeded, getattr(own, "_rng", None)]
    return [each for each in found if not any(each is other for other in known)]
