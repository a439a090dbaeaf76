"""Statements that were executed since the last look, from the counters of pg_stat_statements."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import shorten

import psycopg
from psycopg import sql

from migrator.engine.evidence import Watched
from migrator.postgres.queries import query
from migrator.sql.names import Name
from migrator.sql.uses import uses

ASKED = "unused"
WIDTH = 100
HIDDEN = "<insufficient privilege>"
_STATEMENTS = sql.SQL("""
    SELECT s.queryid::text, sum(s.calls)::bigint, min(s.query), string_agg(DISTINCT r.rolname, ', ')
    FROM {} AS s JOIN pg_database AS d ON d.oid = s.dbid LEFT JOIN pg_roles AS r ON r.oid = s.userid
    WHERE d.datname = current_database() GROUP BY s.queryid
""")
_INFO = sql.SQL("SELECT dealloc::text || ' ' || stats_reset::text FROM {}")


def look(watched: Watched) -> Iterator[str]:
    """Yield each statement that uses the column and whose counter has moved since the last look."""
    found = watched.connection.execute(query("statements_schema")).fetchone()
    if found is None:
        watched.unknown.append(
            "executed statements: pg_stat_statements is not installed here; CREATE EXTENSION pg_stat_statements"
        )
        return
    try:
        rows = watched.connection.execute(_STATEMENTS.format(sql.Identifier(found[0], "pg_stat_statements"))).fetchall()
        info = watched.connection.execute(_INFO.format(sql.Identifier(found[0], "pg_stat_statements_info"))).fetchone()
    except psycopg.errors.ObjectNotInPrerequisiteState:
        watched.unknown.append("executed statements: pg_stat_statements is not in shared_preload_libraries")
        return
    yield from _moved(watched, rows, info[0] if info else "")


def _moved(watched: Watched, rows: list[tuple[str, int, str, str]], era: str) -> Iterator[str]:
    assert watched.table
    table = Name(watched.table.name, watched.table.schema)
    if any(text == HIDDEN for _, _, text, _ in rows):
        watched.unknown.append("statements of other users: grant pg_read_all_stats to this role")
    using = {queryid: (calls, text, who) for queryid, calls, text, who in rows if uses(text, table, watched.column)}
    before: dict[str, int] | None = watched.memory.get("calls")
    if before is not None and watched.memory["era"] != era:
        watched.unknown.append("statements since the last look: counters were reset or evicted, the time starts again")
    for queryid, (calls, text, who) in using.items():
        earlier = (before or {}).get(queryid, 0)
        since = calls - earlier if calls >= earlier else calls
        if before is not None and since:
            statement = shorten(text, WIDTH, placeholder=" ...")
            yield f"in use by a statement of {who or 'a role that is gone'}, {since:,} times: {statement}"
    watched.memory.update(calls={queryid: calls for queryid, (calls, _, _) in using.items()}, era=era)
