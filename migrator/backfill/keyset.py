"""Key ranges over a primary key of any types: comparisons, bounds and the text form a cursor is kept in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from migrator.postgres.tables import Column, Table, named


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Some rows of a table, by their keys: as a condition, and the smallest and the largest of these keys as SQL."""

    condition: sql.Composable
    first: sql.Composable
    last: sql.Composable


class Keyset:
    """The primary key of `table` as a row of columns that can be compared, ordered and written down."""

    def __init__(self, table: Table, key: tuple[Column, ...]) -> None:
        self.table = table
        self.key = key
        self.columns = [named(table.called, column.name) for column in key]

    def row(self) -> sql.Composable:
        """Return the key as SQL: one column, or a row of several."""
        return _row(self.columns)

    def ordered(self, direction: LiteralString = "") -> sql.Composable:
        return sql.SQL(", ").join(sql.SQL("{} {}").format(column, sql.SQL(direction)) for column in self.columns)

    def written(self) -> sql.Composable:
        """Return the key as the JSON list of texts that a cursor is."""
        texts = sql.SQL(", ").join(sql.SQL("{}::text").format(column) for column in self.columns)
        return sql.SQL("jsonb_build_array({})").format(texts)

    def read(self, source: sql.Composable) -> sql.Composable:
        """Return the key values that the one-row, one-column query `source` holds in written form.

        Each is a scalar subquery, which the planner computes once and uses as a bound of an index scan.
        """
        return _row(
            [
                sql.SQL("(SELECT (({})->>{})::{})").format(source, sql.Literal(place), _type(column))
                for place, column in enumerate(self.key)
            ]
        )

    def largest(self) -> sql.Composed:
        """Return the query for the largest key there is, in written form; no row where the table is empty."""
        return sql.SQL("SELECT {} FROM {} AS {} ORDER BY {} LIMIT 1").format(
            self.written(), self.table.named, self.table.alias, self.ordered("DESC")
        )

    def bound(self, rest: sql.Composable) -> sql.Composable:
        """Return the key that is the last of the next `rows` in the condition `rest`, null where there are fewer.

        Where it stands, `cursor` and `upper_key` are the columns of the slice.
        """
        key = sql.SQL(", ").join(self.columns)  # written down where it is known, not for each of the rows before it
        last = sql.SQL("SELECT {} FROM {} AS {} WHERE {} ORDER BY {} OFFSET %(rows)s - 1 LIMIT 1").format(
            key, self.table.named, self.table.alias, rest, self.ordered()
        )
        return sql.SQL("(SELECT {} FROM ({}) AS {})").format(self.written(), last, self.table.alias)

    def counted(self, within: sql.Composable, rest: sql.Composable) -> sql.Composable:
        """Return how many rows a chunk has walked: those `within` it, which are `rows` unless it is the last."""
        del within
        return sql.SQL(
            "CASE WHEN reached IS NOT NULL THEN %(rows)s ELSE (SELECT count(*) FROM {} AS {} WHERE {}) END"
        ).format(self.table.named, self.table.alias, rest)

    def condition(self) -> sql.Composable:
        """Return what must hold for a slice, beside its lease, for a chunk to be its next."""
        return sql.SQL("true")

    def require_valid(self, connection: psycopg.Connection, key: Any) -> None:
        """Raise where `key` does not mean the same row any more."""

    def range(self, after: sql.Composable | None, upto: sql.Composable) -> KeyRange:
        """Return the rows with ``after < key <= upto``."""
        within = self.between(after, upto)
        smallest = sql.SQL("SELECT {} FROM {} AS {} WHERE {} ORDER BY {} LIMIT 1").format(
            self.written(), self.table.named, self.table.alias, within, self.ordered()
        )
        return KeyRange(within, first=self.read(smallest), last=upto)

    def one(self, key: sql.Composable) -> KeyRange:
        """Return the row whose key is `key`."""
        return KeyRange(sql.SQL("{} = {}").format(self.row(), key), first=key, last=key)

    def between(self, after: sql.Composable | None, upto: sql.Composable) -> sql.Composable:
        """Return the condition ``after < key <= upto``; without `after`, all up to `upto`."""
        end = sql.SQL("{} <= {}").format(self.row(), upto)
        return end if after is None else sql.SQL("{} > {} AND {}").format(self.row(), after, end)


def _row(parts: Sequence[sql.Composable]) -> sql.Composable:
    return parts[0] if len(parts) == 1 else sql.SQL("({})").format(sql.SQL(", ").join(parts))


def _type(column: Column) -> sql.SQL:
    # format_type's output is SQL; it comes from the catalog, not from a person
    return sql.SQL(column.type.replace("%", "%%"))
