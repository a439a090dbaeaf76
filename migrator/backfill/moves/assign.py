"""`set`: columns of a table get the values of expressions over the same row."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from psycopg import sql

from migrator.backfill.keyset import KeyRange
from migrator.backfill.move import Move, Use, columns_shown
from migrator.backfill.moves import Surroundings
from migrator.plan import identifiers
from migrator.plan.steps.backfill import Backfill
from migrator.postgres.tables import Table, named, raw

KEY = "set"


@dataclass(frozen=True, kw_only=True)
class Assign(Move):
    """Sets columns of `table`."""

    set: dict[str, str]

    @property
    def writes(self) -> frozenset[str]:
        return frozenset(self.set)

    @property
    def in_place(self) -> bool:
        return True

    def shown(self) -> sql.Composable:
        return columns_shown(self.table, self.set)

    def statement(self, within: KeyRange) -> sql.Composable:
        assignments = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(named(column), raw(expression)) for column, expression in self.set.items()
        )
        return sql.SQL("UPDATE {} AS {} SET {} WHERE {} RETURNING 1").format(
            self.table.named, self.table.alias, assignments, self.condition(within)
        )


def make(step: Backfill, table: Table, around: Surroundings) -> Move:
    del around
    return Assign(table=table, set=columns_of(step), where=step.where)


def uses(step: Backfill) -> list[Use]:
    return [Use(step.table, list(columns_of(step)), [*columns_of(step).values(), *conditions(step)])]


def losses(step: Backfill, look: Callable[[str], Table | None]) -> list[str]:
    return overwritten(look(step.table), columns_of(step))


def columns_of(step: Backfill) -> dict[str, str]:
    """Return the columns of `set`, as the catalog has them, each with its expression."""
    return {identifiers(column)[-1]: expression for column, expression in (step.set or {}).items()}


def conditions(step: Backfill) -> list[str]:
    """Return the conditions on a row of the step's table."""
    return [step.where] if step.where else []


def overwritten(table: Table | None, columns: Iterable[str]) -> list[str]:
    """Return which columns that are there would be written, as one clause."""
    old = [f"{table}.{column}" for column in columns if table and table.column(column)]
    return [f"overwrites what was there before the plan: {', '.join(old)}"] if old else []
