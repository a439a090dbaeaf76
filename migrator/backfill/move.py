"""What a chunk does to the rows of its key range, as SQL; knows nothing of cursors, slices or time."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from migrator.postgres.tables import Table, named, raw


@dataclass(frozen=True, slots=True)
class Move:
    """Sets columns of `table`, or inserts into `into`, for the rows that fulfil `where`."""

    table: Table
    set: dict[str, str]
    where: str | None = None
    into: Table | None = None

    def statement(self, key_range: sql.Composable) -> sql.Composable:
        """Return the statement for the rows in `key_range`, returning one row per row written."""
        condition = key_range
        if self.where:
            condition = sql.SQL("{} AND {}").format(key_range, raw(self.where))
        return self._insert(condition) if self.into else self._update(condition)

    def _update(self, condition: sql.Composable) -> sql.Composable:
        assignments = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(named(column), raw(expression)) for column, expression in self.set.items()
        )
        return sql.SQL("UPDATE {} AS {} SET {} WHERE {} RETURNING 1").format(
            self.table.named, self.table.alias, assignments, condition
        )

    def _insert(self, condition: sql.Composable) -> sql.Composable:
        # The rows are locked against deletion, so that a copy cannot outlive its row; the lock does not stop updates
        # of other columns, and an update that comes in between has its own copy from the dual write: no conflict.
        assert self.into
        return sql.SQL(
            "INSERT INTO {into} ({columns}) SELECT {values} FROM {table} AS {alias} WHERE {condition} "
            "FOR KEY SHARE OF {alias} ON CONFLICT DO NOTHING RETURNING 1"
        ).format(
            into=self.into.named,
            columns=sql.SQL(", ").join(map(named, self.set)),
            values=sql.SQL(", ").join(raw(expression) for expression in self.set.values()),
            table=self.table.named,
            alias=self.table.alias,
            condition=condition,
        )
