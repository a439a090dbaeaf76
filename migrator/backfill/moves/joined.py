"""`from`: columns of a table get the values of expressions over the row and the row of another table that goes with it.

A row that has no counterpart keeps what it has. One that has several is refused, because which of them is taken would
be chance: PostgreSQL says "more than one row returned by a subquery" (21000), and the row is found and named as any
other that the database refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from psycopg import sql

from migrator.backfill.keyset import KeyRange
from migrator.backfill.move import Move, Use, columns_shown
from migrator.backfill.moves import Surroundings
from migrator.backfill.moves.assign import columns_of, conditions, overwritten
from migrator.plan.steps.backfill import Backfill
from migrator.postgres.tables import Table, named, raw

KEY = "from"

# The other row is locked before ours, as the application that changes both does it, and read as it is then: a chunk
# sees the other table as it was when it began, and would overwrite what was written meanwhile. It may be gone by then,
# so the row may end up without a counterpart and keep what it has. OFFSET 0 keeps the planner from making a join of the
# condition: for that it would read the other table as a whole, chunk after chunk.
_JOINED = sql.SQL("""UPDATE {table} AS {alias} SET ({columns}) = (
        SELECT {values} FROM (SELECT) AS migrator_one
        LEFT JOIN LATERAL (SELECT true AS found, {computed} FROM {source} AS {source_alias} WHERE {join}
                           FOR SHARE OF {source_alias}) AS migrator_value ON true)
    WHERE {condition} AND EXISTS (SELECT FROM {source} AS {source_alias} WHERE {join} OFFSET 0) RETURNING 1""")


@dataclass(frozen=True, kw_only=True)
class Joined(Move):
    """Sets columns of `table` from the row of `source` that fulfils `join`."""

    set: dict[str, str]
    source: Table
    join: str

    @property
    def writes(self) -> frozenset[str]:
        return frozenset(self.set)

    @property
    def in_place(self) -> bool:
        return True

    def shown(self) -> sql.Composable:
        return columns_shown(self.table, self.set)

    def statement(self, within: KeyRange) -> sql.Composable:
        values = [(column, sql.Identifier(f"value_{place}")) for place, column in enumerate(self.set)]
        kept = sql.SQL("CASE WHEN migrator_value.found THEN migrator_value.{} ELSE {} END")
        return _JOINED.format(
            table=self.table.named,
            alias=self.table.alias,
            columns=sql.SQL(", ").join(map(named, self.set)),
            values=sql.SQL(", ").join(kept.format(name, named(self.table.called, column)) for column, name in values),
            computed=sql.SQL(", ").join(
                sql.SQL("{} AS {}").format(raw(self.set[column]), name) for column, name in values
            ),
            source=self.source.named,
            source_alias=self.source.alias,
            join=raw(self.join),
            condition=self.condition(within),
        )


def make(step: Backfill, table: Table, around: Surroundings) -> Move:
    assert step.source
    assert step.join
    source = around.find(step.source)
    return Joined(table=table, set=columns_of(step), where=step.where, source=source, join=step.join)


def uses(step: Backfill) -> list[Use]:
    assert step.join
    both = [*columns_of(step).values(), step.join]
    return [Use(step.table, list(columns_of(step)), conditions(step)), Use(step.table, [], both, beside=step.source)]


def losses(step: Backfill, look: Callable[[str], Table | None]) -> list[str]:
    return overwritten(look(step.table), columns_of(step))
