"""Responsible for knowing which kinds of steps there are: one per module of this package; not for what they mean."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from migrator.plan.step import Step


@cache
def kinds() -> dict[str, type[Step]]:
    """Return the class of every kind of step by its key."""
    for module in iter_modules(__path__, f"{__name__}."):
        import_module(module.name)
    return {step.kind: step for step in sorted(Step.__subclasses__(), key=lambda step: step.kind)}
