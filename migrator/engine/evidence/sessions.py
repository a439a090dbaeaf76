"""Sessions whose statement, the one that runs or the last one that ran, uses the column."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import shorten

from migrator.engine.evidence import Watched
from migrator.postgres.blockers import without_literals
from migrator.postgres.queries import query
from migrator.sql.names import Name
from migrator.sql.uses import uses

ASKED = "unused"
WIDTH = 100


def look(watched: Watched) -> Iterator[str]:
    """Yield each session with its application and statement."""
    assert watched.table
    table = Name(watched.table.name, watched.table.schema)
    for pid, application, user, text in watched.connection.execute(query("sessions_with_text")).fetchall():
        if uses(text, table, watched.column):
            statement = shorten(without_literals(text), WIDTH, placeholder=" ...")
            who = application or "an application without name"
            yield f"in use by a session of {who} (user {user}, pid {pid}): {statement}"
