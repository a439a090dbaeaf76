"""`delete`: rows that fulfil a condition go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from psycopg import sql

from migrator.backfill.keyset import KeyRange
from migrator.backfill.move import Move, Use
from migrator.backfill.moves import Surroundings
from migrator.backfill.moves.assign import conditions
from migrator.plan.steps.backfill import Backfill
from migrator.postgres.tables import Table, named

KEY = "delete"


@dataclass(frozen=True, kw_only=True)
class Delete(Move):
    """Deletes rows of `table`; with `archive`, a table of the same columns, they go there in the same statement.

    The triggers of a dual write do not stand aside: a row must not live on in the other shape.
    """

    silent: bool = False
    archive: Table | None = None

    def statement(self, within: KeyRange) -> sql.Composable:
        return sql.SQL("DELETE FROM {} AS {} WHERE {} RETURNING {}").format(
            self.table.named, self.table.alias, self.condition(within), self._kept()
        )

    def parts(self, within: KeyRange) -> sql.Composable:
        if self.archive is None:
            return super().parts(within)
        return sql.SQL(
            "migrator_gone AS (\n    {}\n), migrator_moved AS (\n"
            "    INSERT INTO {} ({}) SELECT * FROM migrator_gone RETURNING 1\n)"
        ).format(self.statement(within), self.archive.named, self._kept())

    def _kept(self) -> sql.Composable:
        if self.archive is None:
            return sql.SQL("1")
        return sql.SQL(", ").join(named(column.name) for column in self.archive.columns)


def make(step: Backfill, table: Table, around: Surroundings) -> Move:
    del around
    return Delete(table=table, where=step.where)


def uses(step: Backfill) -> list[Use]:
    return [Use(step.table, [], conditions(step))]


def losses(step: Backfill, look: Callable[[str], Table | None]) -> list[str]:
    return [f"deletes rows of {step.table}"] if look(step.table) and not step.archive else []
