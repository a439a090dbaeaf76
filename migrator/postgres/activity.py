"""Who is connected and who stands in the way: sessions, blockers and old transactions, with literals removed."""

from __future__ import annotations

import psycopg

from migrator.postgres.blockers import Blocker, without_literals
from migrator.postgres.queries import query


def blockers_of(connection: psycopg.Connection, pid: int) -> tuple[Blocker, ...]:
    """Return the sessions that block the backend `pid` right now, longest transaction first."""
    return _sessions(connection, "blockers_of", pid=pid)


def lock_holders(connection: psycopg.Connection, relations: list[str]) -> tuple[Blocker, ...]:
    """Return the other sessions that hold any lock on one of the `relations` (``schema.name``, quoted)."""
    return _sessions(connection, "lock_holders", relations=relations)


def old_transactions(connection: psycopg.Connection) -> tuple[Blocker, ...]:
    """Return the sessions of this database with an open snapshot: a concurrent build waits for each of them."""
    return _sessions(connection, "old_transactions")


def _sessions(connection: psycopg.Connection, name: str, **parameters: object) -> tuple[Blocker, ...]:
    rows = connection.execute(query(name), parameters).fetchall()
    return tuple(
        Blocker(pid, application or "", user or "", state or "", float(age or 0), without_literals(text or ""))
        for pid, application, user, state, age, text in rows
    )
