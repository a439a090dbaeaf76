"""Objects of the database that depend on the column: views, triggers, policies, foreign keys, generated columns."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.engine.evidence import Watched
from migrator.postgres.queries import query


def look(watched: Watched) -> Iterator[str]:
    """Yield each object that the catalog says depends on the column."""
    what = {"table": watched.table.oid, "column": watched.column}
    for (name,) in watched.connection.execute(query("dependents_of_column"), what):
        yield name
