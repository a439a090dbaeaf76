"""Looks for rows that a plan says must not be there, range by range, so that no snapshot is held for long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from migrator.backfill.keyset import Keyset
from migrator.postgres.tables import raw

RANGE_ROWS = 50_000
EXAMPLES = 20

# The upper bound is a value, so that it ends the index scan: the ranges together read the table once.
_RANGE = sql.SQL("""
WITH migrator_bound AS MATERIALIZED (
    SELECT (SELECT {written} FROM {table} AS {alias} WHERE {rest} ORDER BY {order}
            OFFSET %(rows)s - 1 LIMIT 1) AS reached,
           (SELECT {written} FROM {table} AS {alias} ORDER BY {backwards} LIMIT 1) AS last
), migrator_range AS MATERIALIZED (
    SELECT CASE WHEN {condition} THEN {written} END AS key FROM {table} AS {alias} WHERE {range}
)
SELECT (SELECT reached FROM migrator_bound), count(*), count(key),
       (array_agg(key) FILTER (WHERE key IS NOT NULL))[1:%(examples)s]
FROM migrator_range
""")


@dataclass(frozen=True, slots=True)
class Verified:
    """How many rows were looked at, how many were wrong, and the keys of some of those."""

    rows: int = 0
    differing: int = 0
    examples: tuple[str, ...] = ()


def verify(
    connection: psycopg.Connection,
    keyset: Keyset,
    none: str,
    where: str | None,
    report: Callable[[Verified], None],
) -> Verified:
    """Count the rows that fulfil `none`, of those that fulfil `where`; call `report` after each range."""
    condition = raw(f"{none}") if where is None else sql.SQL("({} AND {})").format(raw(none), raw(where))
    found, cursor = Verified(), None
    while True:
        statement = _compose(keyset, condition, first=cursor is None)
        parameters = {"rows": RANGE_ROWS, "examples": EXAMPLES, "cursor": Jsonb(cursor)}
        row = connection.execute(statement, parameters).fetchone()
        assert row
        cursor, rows, differing, keys = row
        examples = (*found.examples, *map(_shown, keys or ()))[:EXAMPLES]
        found = Verified(found.rows + rows, found.differing + differing, examples)
        report(found)
        if cursor is None:
            return found


def _compose(keyset: Keyset, condition: sql.Composable, *, first: bool) -> sql.Composed:
    after = None if first else keyset.read(sql.SQL("SELECT %(cursor)s::jsonb"))
    return _RANGE.format(
        written=keyset.written(),
        table=keyset.table.named,
        alias=keyset.table.alias,
        rest=sql.SQL("true") if after is None else sql.SQL("{} > {}").format(keyset.row(), after),
        order=keyset.ordered(),
        backwards=keyset.ordered("DESC"),
        range=keyset.between(after, keyset.read(sql.SQL("SELECT coalesce(reached, last) FROM migrator_bound"))),
        condition=condition,
    )


def _shown(key: Any) -> str:
    return str(key[0]) if len(key) == 1 else "(" + ", ".join(map(str, key)) + ")"
