"""Deletes archives: after that, the contract steps that made them cannot be undone any more."""

from __future__ import annotations

from psycopg import sql

from migrator.engine.archives import SCHEMA
from migrator.engine.reports import Archive
from migrator.engine.target import Target
from migrator.postgres.queries import query


def archives(target: Target, plan: str | None, older_than: float) -> list[Archive]:
    """Return the archives of finished steps of `plan`, or of all plans, that are older than so many seconds."""
    if not target.has_ledger:
        return []
    found = target.asking.execute(query("archives_of"), {"plan": plan, "seconds": older_than})
    return [Archive(*row) for row in found]


def purge(target: Target, doomed: list[Archive]) -> None:
    """Drop each archive together with its entry in the ledger."""
    for archive in sorted(doomed, key=lambda one: one.kind == "type"):  # the others have it
        with target.asking.transaction():
            name = sql.Identifier(SCHEMA, archive.name)
            drop = "DROP TYPE IF EXISTS {}" if archive.kind == "type" else "DROP TABLE IF EXISTS {} CASCADE"
            target.asking.execute(sql.SQL(drop).format(name))
            target.asking.execute(query("archive_delete"), {"name": archive.name})
