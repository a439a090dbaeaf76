"""Objects of the database that depend on the column or table: views, triggers, policies, foreign keys, publications."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.engine.evidence import Watched
from migrator.postgres.queries import query

ASKED = "unused"


def look(watched: Watched) -> Iterator[str]:
    """Yield each object that the catalog says depends on it."""
    assert watched.table
    what = {"table": watched.table.oid, "column": watched.column}
    kind = "dependents_of_column" if watched.column else "dependents_of_table"
    for (name,) in watched.connection.execute(query(kind), what):
        yield f"in use by {name}"
