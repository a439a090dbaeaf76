"""Reads what a relation looks like, as facts that can be kept and compared; not what a difference means.

Left out is what changes while nobody changes the schema, or what no plan depends on: statistics, storage parameters,
privileges, comments, the order of columns, partitions, transient indexes of REINDEX CONCURRENTLY, migrator's triggers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import psycopg

from migrator.postgres.queries import query

FORMAT = 1
"""Raised where the same relation is read as other facts."""
PATIENCE = "500ms"

Facts: TypeAlias = dict[str, str]
"""What a relation consists of: ``column tags`` → ``text[] NOT NULL``. Empty where it is not there."""


def reading(connection: psycopg.Connection) -> str:
    """Return who reads: another major version of the server may word the same definition in another way."""
    return f"PostgreSQL {connection.info.server_version // 10000}, format {FORMAT}"


def full_names(connection: psycopg.Connection, names: Iterable[str]) -> set[str]:
    """Return the relations of these names with their schemas; one that is not there gets the schema it would have."""
    found = connection.execute(query("full_names"), {"names": list(names)}).fetchall()
    return {name for (name,) in found}


def shapes(connection: psycopg.Connection, relations: Iterable[str]) -> dict[str, Facts] | None:
    """Return the facts of each relation, which is named with its schema, or None where one is locked just now."""
    found: dict[str, Facts] = {relation: {} for relation in relations}
    if not found:
        return found
    try:
        with connection.transaction():
            connection.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
            # Definitions name other objects as the search path needs it, and that differs from session to session.
            connection.execute("SET LOCAL search_path = pg_catalog")
            rows = connection.execute(query("shapes_of"), {"relations": list(found)}).fetchall()
    except psycopg.errors.LockNotAvailable:
        return None
    for relation, what, definition in rows:
        found[relation][what] = definition
    return found
