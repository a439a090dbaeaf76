"""Rows in which old and new values differ, by the expressions of the plan's own dual writes."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
from psycopg import sql

from migrator.engine.evidence import Watched
from migrator.plan import identifiers
from migrator.plan.steps.dual_write import DualWrite
from migrator.postgres.tables import Table, find_table, named, raw

ASKED = "parity"
MOST = 1_000  # rows that are counted; that there is one is enough to keep a gate shut


def look(watched: Watched) -> Iterator[str]:
    """Yield how many rows of the table differ, for each dual write that it has in the plan."""
    asked = watched.asked.parity or ""
    steps = [step for _, _, step in watched.plan.steps() if isinstance(step, DualWrite)]
    of_table = [step for step in steps if identifiers(step.table)[-1] == identifiers(asked)[-1]]
    if not of_table:
        watched.unknown.append(f"parity of {asked}: the plan has no dual write of this table")
    for step in of_table:
        table = find_table(watched.connection, step.table, step.location)
        (count,) = watched.connection.execute(_differing(watched.connection, step, table), ()).fetchone() or (0,)
        if count:
            shown = f"{MOST:,} or more" if count >= MOST else f"{count:,}"
            yield f"old and new differ in {shown} rows of {table}: {', '.join(step.forward)}"


def _differing(connection: psycopg.Connection, step: DualWrite, table: Table) -> sql.Composed:
    into = find_table(connection, step.into, step.location) if step.into else None
    tests = [
        sql.SQL("{} IS DISTINCT FROM {}").format(_new(table, into, step, identifiers(column)[-1]), raw(expression))
        for column, expression in step.forward.items()
    ]
    return sql.SQL("SELECT count(*) FROM (SELECT FROM {} AS {} WHERE {} LIMIT {}) AS differing").format(
        table.named, table.alias, sql.SQL(" OR ").join(tests), sql.SQL(str(MOST))
    )


def _new(table: Table, into: Table | None, step: DualWrite, column: str) -> sql.Composable:
    if into is None:
        return named(table.name, column)
    matched = sql.SQL(" AND ").join(
        sql.SQL("migrator_new.{} = {}").format(named(identifiers(key)[-1]), named(table.name, identifiers(source)[-1]))
        for key, source in (step.key or {}).items()
    )
    return sql.SQL("(SELECT migrator_new.{} FROM {} AS migrator_new WHERE {})").format(
        named(column), into.named, matched
    )
