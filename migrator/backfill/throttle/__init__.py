"""What a backfill waits for: one signal per module, called as its key in a plan; `throttle` asks them all."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from migrator.backfill.throttle.signal import Scene, Signal


@cache
def signals() -> dict[str, type[Signal]]:
    """Return the class of every signal by its key in a plan."""
    for module in iter_modules(__path__, f"{__name__}."):
        import_module(module.name)
    return {kind.key: kind for kind in Signal.__subclasses__()}


def signal(key: str, limit: Any, scene: Scene) -> Signal:
    """Return the signal that a plan's `key: limit` asks for."""
    return signals()[key](limit, scene)
