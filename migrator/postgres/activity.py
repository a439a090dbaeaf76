"""Who is connected and who stands in the way: sessions, blockers and old transactions, with literals removed."""

from __future__ import annotations

import re
from dataclasses import dataclass

import psycopg

from migrator.postgres.queries import query

_LITERAL = re.compile(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b")


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session that we wait for. `age` is the age of its transaction in seconds; `query` has no literals."""

    pid: int
    application: str
    user: str
    state: str
    age: float
    query: str

    def __str__(self) -> str:
        return f"pid {self.pid}, application {self.application or '(none)'}, {self.state} for {duration(self.age)}"


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


def without_literals(sql: str, limit: int = 200) -> str:
    """Return one line of `sql` with every literal replaced by ``?``, cut to `limit` characters."""
    flat = " ".join(_LITERAL.sub("?", sql).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def duration(seconds: float) -> str:
    """Return `seconds` as a person says it: ``0.4 s``, ``41 s``, ``37 min``, ``5 h 12 min``, ``3 d 4 h``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"
