"""Looks for rows that a plan says must not be there, range by range, so that no snapshot is held for long."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from migrator.backfill.keyset import Keyset
from migrator.backfill.size import ChunkSize
from migrator.postgres.tables import Table, raw
from migrator.sql.names import quote

EXAMPLES = 20

# The upper bound is a value, so that it ends the index scan: the ranges together read the table once.
_RANGE = sql.SQL("""
WITH migrator_bound AS MATERIALIZED (
    SELECT (SELECT {written} FROM {table} AS {alias} WHERE {rest} ORDER BY {order}
            OFFSET %(rows)s - 1 LIMIT 1) AS reached,
           (SELECT {written} FROM {table} AS {alias} ORDER BY {backwards} LIMIT 1) AS last
), migrator_range AS MATERIALIZED (
    SELECT CASE WHEN {wrong} THEN {written} END AS key FROM {table} AS {alias} WHERE {range}
)
SELECT (SELECT reached FROM migrator_bound), count(*), count(key),
       (array_agg(key) FILTER (WHERE key IS NOT NULL))[1:%(examples)s]
FROM migrator_range
""")


@dataclass(frozen=True, slots=True)
class Verified:
    """How many rows were looked at, how many were wrong, and the keys of some of those.

    `cursor` is the key of the last row that was looked at; None before the first and behind the last.
    """

    rows: int = 0
    differing: int = 0
    examples: tuple[str, ...] = ()
    cursor: tuple[Any, ...] | None = None


def is_none(condition: str, where: str | None) -> str:
    """Return the condition, as SQL, of a row that is wrong where none may fulfil `condition`."""
    return _both(condition, where)


def is_not_same(
    table: Table, same: Mapping[str, str], where: str | None, source: Table | None = None, join: str | None = None
) -> str:
    """Return the condition, as SQL, of a row that is wrong where columns must hold what expressions give.

    With a `source`, the expressions are also over its row that fulfils `join`; a row without such a one is wrong.
    """
    pairs = [(f"{quote(table.called)}.{quote(column)}", f"({expression}\n)") for column, expression in same.items()]
    if source is None:
        differs = " OR ".join(f"{column} IS DISTINCT FROM {value}" for column, value in pairs)
        return _both(differs, where)
    agrees = " AND ".join(f"{column} IS NOT DISTINCT FROM {value}" for column, value in pairs)
    other = f"{source.identifier.as_string()} AS {quote(source.called)}"
    return _both(f"NOT EXISTS (SELECT FROM {other} WHERE ({join}\n) AND {agrees})", where)


def _both(condition: str, where: str | None) -> str:
    return condition if where is None else f"({condition}\n) AND ({where}\n)"


def verify(
    connection: psycopg.Connection,
    keyset: Keyset,
    wrong: str,
    size: ChunkSize,
    report: Callable[[Verified], None],
    *,
    found: Verified = Verified(),
) -> Verified:
    """Count the rows that are `wrong`, from where `found` came to; call `report` after each range."""
    while True:
        statement = _compose(keyset, wrong, first=found.cursor is None)
        parameters = {"rows": size.rows, "examples": EXAMPLES, "cursor": Jsonb(found.cursor)}
        started = time.monotonic()
        row = connection.execute(statement, parameters).fetchone()
        assert row
        cursor, rows, differing, keys = row
        if cursor is not None:
            size.observe(rows, time.monotonic() - started)
        examples = (*found.examples, *map(_shown, keys or ()))[:EXAMPLES]
        found = Verified(found.rows + rows, found.differing + differing, examples, cursor)
        report(found)
        if cursor is None:
            return found


def _compose(keyset: Keyset, wrong: str, *, first: bool) -> sql.Composed:
    after = None if first else keyset.read(sql.SQL("SELECT %(cursor)s::jsonb"))
    return _RANGE.format(
        written=keyset.written(),
        table=keyset.table.named,
        alias=keyset.table.alias,
        rest=sql.SQL("true") if after is None else sql.SQL("{} > {}").format(keyset.row(), after),
        order=keyset.ordered(),
        backwards=keyset.ordered("DESC"),
        range=keyset.between(after, keyset.read(sql.SQL("SELECT coalesce(reached, last) FROM migrator_bound"))),
        wrong=raw(wrong),
    )


def _shown(key: Any) -> str:
    return str(key[0]) if len(key) == 1 else "(" + ", ".join(map(str, key)) + ")"
