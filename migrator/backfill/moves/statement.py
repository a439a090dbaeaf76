"""`sql`: one statement of the plan's own per chunk, bounded by the first and the last key of the chunk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from psycopg import sql

from migrator.backfill.keyset import KeyRange
from migrator.backfill.move import Move, Use, columns_shown
from migrator.backfill.moves import Surroundings
from migrator.backfill.moves.assign import overwritten
from migrator.plan.steps.backfill import Backfill
from migrator.postgres.tables import Table
from migrator.sql.bounded import BoundedStatement, parse_bounded
from migrator.sql.errors import BoundsError, SqlError

KEY = "sql"


@dataclass(frozen=True, kw_only=True)
class Statement(Move):
    """Runs a statement for the rows whose keys it is given."""

    bounded: BoundedStatement

    @property
    def writes(self) -> frozenset[str]:
        own = self.bounded.verb == "UPDATE" and self.bounded.target.name == self.table.name
        return frozenset(self.bounded.sets if own else ())

    def goes_by_partition(self, columns: frozenset[str]) -> bool:
        del columns
        return False

    def shown(self) -> sql.Composable:
        return columns_shown(self.table, sorted(self.writes)) if self.writes else super().shown()

    def statement(self, within: KeyRange) -> sql.Composable:
        bounds = {"first": within.first, "last": within.last}
        first, *texts = (sql.SQL(text.replace("%", "%%")) for text in self.bounded.texts)
        parts: list[sql.Composable] = [first]
        for name, text in zip(self.bounded.bounds, texts, strict=True):
            parts += [bounds[name], text]
        return sql.Composed([*parts, sql.SQL("\n" if self.bounded.returns else "\nRETURNING 1")])


def make(step: Backfill, table: Table, around: Surroundings) -> Move:
    """Return the move.

    Raises:
        BoundsError: it is bounded by something else than the key of the table.
    """
    del around
    bounded = _parsed(step)
    key = tuple(column.name for column in table.key)
    if key and bounded.key != key:
        raise BoundsError(
            f"the statement is bounded by ({', '.join(bounded.key)}), and the key of {table} is ({', '.join(key)})",
            where=step.location,
        )
    if bounded.table and bounded.table.name != table.name:
        raise BoundsError(
            f"the statement is bounded by the key of {bounded.table}, not of {table}", where=step.location
        )
    return Statement(table=table, bounded=bounded)


def uses(step: Backfill) -> list[Use]:
    bounded = _parsed(step)
    return [Use(step.table, list(bounded.key))]


def losses(step: Backfill, look: Callable[[str], Table | None]) -> list[str]:
    bounded = _parsed(step)
    target = look(bounded.target.quoted())
    if bounded.verb == "DELETE":
        return [f"deletes rows of {bounded.target}"] if target else []
    return overwritten(target, bounded.sets)


def _parsed(step: Backfill) -> BoundedStatement:
    assert step.sql
    try:
        return parse_bounded(step.sql)
    except (BoundsError, SqlError) as error:
        error.where = step.location
        raise
