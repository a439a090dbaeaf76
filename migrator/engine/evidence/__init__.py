"""What a server shows of the use of a column, one kind of evidence per module of this package."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Protocol

import psycopg
from psycopg.types.json import Jsonb

from migrator.ledger.ledger import StepRow
from migrator.plan import identifiers
from migrator.plan.steps.gate import Evidence, Gate
from migrator.postgres.queries import query
from migrator.postgres.tables import Table, find_table
from migrator.sql.names import quote


@dataclass
class Watched:
    """The column that a gate asks about. `memory` is what a kind of evidence keeps from one look to the next."""

    connection: psycopg.Connection
    table: Table
    column: str
    memory: dict[str, Any]
    unknown: list[str] = field(default_factory=list)
    """What could not be looked at, so that a person has to say it."""


class Kind(Protocol):
    """What a module of this package offers."""

    def look(self, watched: Watched) -> Iterator[str]:
        """Yield who or what uses the column, each in one clause that names it."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found of a gate's column: its users, what could not be seen, and since when it has been quiet."""

    words: str
    users: tuple[str, ...]
    unknown: tuple[str, ...]
    quiet_seconds: float
    asked_seconds: float

    @property
    def open(self) -> bool:
        return not self.users and not self.unknown and self.quiet_seconds >= self.asked_seconds

    @property
    def notes(self) -> tuple[str, ...]:
        found = [f"in use by {user}" for user in self.users]
        found += [f"cannot be seen: {one}" for one in self.unknown]
        if not found:
            found = [f"seen unused for {self.quiet_seconds:.0f} s of {self.asked_seconds:.0f} s"]
        return tuple(found)


def examine(connection: psycopg.Connection, step: Gate, row: StepRow) -> Examined:
    """Look at everything that may use the column of the gate, and keep in the ledger what was seen.

    Raises:
        UnknownTableError
    """
    asked = step.gate
    assert isinstance(asked, Evidence)
    *table, column = identifiers(asked.unused)
    watched = Watched(connection, find_table(connection, ".".join(map(quote, table)), step.location), column, {})
    kept = connection.execute(query("evidence_of"), {"step": row.id}).fetchone()
    memory: dict[str, Any] = kept[0] if kept else {}
    users: list[str] = []
    for name, kind in _kinds().items():
        watched.memory = memory.setdefault(name, {})
        users += kind.look(watched)
    what = {"step": row.id, "memory": Jsonb(memory), "users": users, "unknown": watched.unknown}
    stored = connection.execute(query("evidence_set"), {**what, "quiet": not users and not watched.unknown}).fetchone()
    assert stored
    since: datetime
    since, now = stored
    quiet = (now - since).total_seconds()
    return Examined(asked.words, tuple(users), tuple(watched.unknown), quiet, asked.seconds)


@cache
def _kinds() -> dict[str, Kind]:
    found: dict[str, Any] = {one.name: import_module(f"{__name__}.{one.name}") for one in iter_modules(__path__)}
    return found
