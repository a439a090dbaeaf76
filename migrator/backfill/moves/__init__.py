"""The kinds of moves of a `backfill` step: one module per kind, found by the key of the plan that tells it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Protocol

from migrator.backfill.move import Move, Use
from migrator.plan.steps.backfill import Backfill
from migrator.postgres.tables import Table


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a move finds what its step names: a table by `find`, a function of Python by `load`."""

    find: Callable[[str], Table]
    load: Callable[[str], Callable[..., Any]]


class Kind(Protocol):
    """What a module of this package offers."""

    KEY: str
    """The key of the step that says that it is a move of this kind."""

    def make(self, step: Backfill, table: Table, around: Surroundings) -> Move:
        """Return the move of a step."""

    def uses(self, step: Backfill) -> list[Use]:
        """Return what the step says about tables."""

    def losses(self, step: Backfill, look: Callable[[str], Table | None]) -> list[str]:
        """Return what it does that a rollback could not undo, as clauses; `look` finds tables that are there."""


@cache
def _kinds() -> dict[str, Any]:
    modules = [import_module(module.name) for module in iter_modules(__path__, f"{__name__}.")]
    return {module.KEY: module for module in modules}


def kind_of(step: Backfill) -> Kind:
    """Return the kind of move that a step is."""
    kind: Kind = _kinds()[step.move]
    return kind
