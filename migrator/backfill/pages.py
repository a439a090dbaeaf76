"""Ranges of pages of a table that has no key: where its rows lie stands in for one.

Rows move when they are written, so the walk can meet a row twice or miss one. The `where` of the move sees to the
first: a row that is done does not fulfil it any more; sweeps see to the second. A table that is rewritten has its
rows in other places altogether, so the file it lay in is part of every key.
"""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg
from psycopg import sql

from migrator.backfill.keyset import Keyset
from migrator.errors import UnavailableError
from migrator.postgres.tables import Column, Table, named

LAST = 65535
"""Behind every row of a page."""
END = 2**32 - 2
"""The last page that a table can have."""

# `cursor` and `upper_key` are the slice's. Pages hold about as many rows each as the statistics say. Fewer rows than a
# page has are counted off, so that one that is refused can be found.
_BOUND = sql.SQL("""(
    SELECT CASE WHEN migrator_next.at < (upper_key->>0)::tid THEN jsonb_build_array(migrator_next.at, upper_key->>1) END
    FROM (
        SELECT coalesce((
            SELECT {place} FROM {table} AS {alias}
            WHERE migrator_page.wanted < 1 AND {rest} AND {place} <= format('(%%s,{last})', migrator_page.number)::tid
            ORDER BY {place} OFFSET %(rows)s - 1 LIMIT 1
        ), format('(%%s,{last})', migrator_page.number + greatest(wanted - 1, 0)::bigint)::tid) AS at
        FROM (
            SELECT coalesce(migrator_at.at[0] + (migrator_at.at[1] >= {last})::int, 0)::bigint AS number,
                   least(%(rows)s::float8 * relpages / greatest(reltuples, 1), {end}) AS wanted
            FROM pg_class, (SELECT (cursor->>0)::point AS at) AS migrator_at WHERE oid = {oid}
        ) AS migrator_page
    ) AS migrator_next
)""")
_LARGEST = sql.SQL("""
    SELECT jsonb_build_array(format('(%%s,{last})', CASE WHEN {endless} THEN {end} ELSE pages - 1 END)::tid,
                             pg_relation_filenode({oid}::oid)::text)
    FROM (SELECT pg_relation_size({oid}::oid) / current_setting('block_size')::bigint AS pages) AS size WHERE pages > 0
""")


class RewrittenError(UnavailableError):
    """A table without a key was rewritten while it was filled, so its rows lie in other places now.

    VACUUM FULL, CLUSTER and some forms of ALTER TABLE do that. What is filled stays filled. The same command walks the
    table once more and passes over the rows that are done.
    """

    code = "MG209"


class Pages(Keyset):
    """The place of a row in `table` as a key; `endless`, pages that are added meanwhile belong to the walk too."""

    def __init__(self, table: Table, *, endless: bool = False) -> None:
        super().__init__(table, (Column("ctid", "tid", not_null=True, default=None, generated=False),))
        self._endless = endless

    def written(self) -> sql.Composable:
        return sql.SQL("jsonb_build_array({}::text, pg_relation_filenode({}::oid)::text)").format(
            self.columns[0], self.table.oid
        )

    def ordered(self, direction: LiteralString = "") -> sql.Composable:
        return sql.SQL("{} {}").format(named(self.table.called, "ctid"), sql.SQL(direction))

    def largest(self) -> sql.Composed:
        return _LARGEST.format(last=LAST, end=END, oid=self.table.oid, endless=self._endless)

    def bound(self, rest: sql.Composable) -> sql.Composable:
        return _BOUND.format(
            last=LAST,
            end=END,
            oid=self.table.oid,
            place=self.columns[0],
            table=self.table.named,
            alias=self.table.alias,
            rest=rest,
        )

    def counted(self, within: sql.Composable, rest: sql.Composable) -> sql.Composable:
        del rest
        return sql.SQL("(SELECT count(*) FROM {} AS {} WHERE {})").format(self.table.named, self.table.alias, within)

    def condition(self) -> sql.Composable:
        return sql.SQL("upper_key->>1 = pg_relation_filenode({}::oid)::text").format(self.table.oid)

    def require_valid(self, connection: psycopg.Connection, key: Any) -> None:
        if not self.is_valid(connection, key):
            raise RewrittenError(
                f"{self.table} was rewritten meanwhile",
                notes=["what is filled is committed; rows that are done are not written again"],
                help="run the same command again",
            )

    def is_valid(self, connection: psycopg.Connection, key: Any) -> bool:
        """Tell whether the table still lies in the file that `key` is about."""
        row = connection.execute("SELECT pg_relation_filenode(%s::oid)::text", (self.table.oid,)).fetchone()
        return row is not None and row[0] == key[1]
