"""Fills the columns of a table from the rows of another that a dual write keeps for it: a split, undone."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from migrator.backfill.keyset import KeyRange
from migrator.backfill.move import Move
from migrator.postgres.tables import Table, named, raw

# The rows that are read are locked, because a chunk sees the other table as it was when the chunk began: without it, a
# description written meanwhile would be overwritten by the one before. Locked rows are read as they are now, and they
# are locked before those of `table`, as the dual write does it, so that the two meet in one order.
_REFILL = sql.SQL("""UPDATE {table} AS {alias} SET {assignments}
    FROM (SELECT {computed} FROM (
        SELECT migrator_source.* FROM {table} AS {alias} JOIN {source} AS migrator_source ON {matched}
        WHERE {key_range} FOR SHARE OF migrator_source
    ) AS {source_alias}) AS migrator_value
    WHERE {found} AND ({differs}) RETURNING 1""")


@dataclass(frozen=True, kw_only=True)
class Refill(Move):
    """Sets columns of `table` from expressions over the row of `source` whose key columns equal those of `table`.

    A row of `table` that has no counterpart keeps what it has. `key` maps columns of `source` to those of `table`.
    """

    set: dict[str, str]
    source: Table
    key: dict[str, str]

    def statement(self, within: KeyRange) -> sql.Composable:
        own = {column: named(self.table.name, column) for column in (*self.key.values(), *self.set)}
        keys = [(sql.Identifier(f"key_{place}"), column) for place, column in enumerate(self.key)]
        values = [(sql.Identifier(f"value_{place}"), column) for place, column in enumerate(self.set)]
        computed = [sql.SQL("{} AS {}").format(named(column), name) for name, column in keys]
        computed += [sql.SQL("{} AS {}").format(raw(self.set[column]), name) for name, column in values]
        return _REFILL.format(
            table=self.table.named,
            alias=self.table.alias,
            source=self.source.named,
            source_alias=self.source.alias,
            key_range=within.condition,
            computed=sql.SQL(", ").join(computed),
            assignments=sql.SQL(", ").join(
                sql.SQL("{} = migrator_value.{}").format(named(column), name) for name, column in values
            ),
            matched=sql.SQL(" AND ").join(
                sql.SQL("migrator_source.{} = {}").format(named(column), own[self.key[column]]) for column in self.key
            ),
            found=sql.SQL(" AND ").join(
                sql.SQL("{} = migrator_value.{}").format(own[self.key[column]], name) for name, column in keys
            ),
            differs=sql.SQL(" OR ").join(
                sql.SQL("{} IS DISTINCT FROM migrator_value.{}").format(own[column], name) for name, column in values
            ),
        )
