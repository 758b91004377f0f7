"""The plugins of ours in a run that somebody has asked for. Imported only where such a run is served."""

from __future__ import annotations

from typing import Any

from rpytest_zygote import collection, events, lesson, turbo
from rpytest_zygote.told import Told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rpytest_zygote.observe import StartUp


def attend(
    config: Any, head: dict[str, Any], descriptor: int | None, modules: dict[str, Any], start_up: StartUp
) -> None:
    """Have them: pytest has just made its configuration. Events go to `descriptor`; `modules` are the warm ones,
    `start_up` tells of the environment."""
    wanted = head["lesson"]
    if descriptor is not None:
        events.register(config, descriptor, head)
    if wanted is not None and wanted["collect"] is not None:
        collection.Collection(config, lesson.Address(wanted), wanted["collect"], modules, start_up)
    if head["turbo"] is not None and not config.pluginmanager.hasplugin(turbo.NAME):  # else it is from the way
        told = None if head["explain"] is None else Told(head["explain"])
        turbo.Turbo(config, head["turbo"], modules, told)


def attend_ahead(config: Any, plan: dict[str, Any], modules: dict[str, Any], told: turbo.Told) -> None:
    """Have what a run with `--turbo` has, on the way to the first test."""
    if not config.pluginmanager.hasplugin(turbo.NAME):
        turbo.Turbo(config, plan, modules, told, is_ahead=True)
