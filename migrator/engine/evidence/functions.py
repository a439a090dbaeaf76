"""Functions whose body names the column together with its table, or that are triggers of the table."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.engine.evidence import Watched
from migrator.postgres.queries import query
from migrator.sql.uses import mentions

ASKED = "unused"


def look(watched: Watched) -> Iterator[str]:
    """Yield each function whose text uses the column."""
    assert watched.table
    found = watched.connection.execute(query("functions_with_text"), {"table": watched.table.oid})
    for name, body, is_trigger in found.fetchall():
        of_table = mentions(body, watched.table.name)
        if (mentions(body, watched.column) and (is_trigger or of_table)) if watched.column else of_table:
            yield f"in use by function {name}"
