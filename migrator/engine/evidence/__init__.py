"""What a server shows of what a gate asks for, one kind of evidence per module of this package."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Protocol

import psycopg
from psycopg.types.json import Jsonb

from migrator.ledger.ledger import StepRow
from migrator.plan import Plan, identifiers
from migrator.plan.steps.gate import Evidence, Gate
from migrator.postgres.queries import query
from migrator.postgres.tables import Table, UnknownTableError, find_table
from migrator.sql.names import quote


@dataclass
class Watched:
    """What a gate asks about: `table`, and where `column` is not empty that column of it.

    `memory` is what a kind of evidence keeps from one look to the next.
    """

    connection: psycopg.Connection
    plan: Plan
    asked: Evidence
    table: Table | None
    column: str
    memory: dict[str, Any]
    unknown: list[str] = field(default_factory=list)
    """What could not be looked at, so that a person has to say it."""


class Kind(Protocol):
    """What a module of this package offers."""

    ASKED: str
    """The key of the gate that asks for this kind."""

    def look(self, watched: Watched) -> Iterator[str]:
        """Yield who or what keeps the gate shut, each in one clause that names it."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found: what keeps the gate shut, what could not be seen, and since when there was none of either."""

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
        found = [*self.users, *(f"cannot be seen: {one}" for one in self.unknown)]
        if not found:
            found = [f"seen so for {self.quiet_seconds:.0f} s of {self.asked_seconds:.0f} s"]
        return tuple(found)


def examine(connection: psycopg.Connection, plan: Plan, step: Gate, row: StepRow) -> Examined:
    """Look at everything that may keep the gate shut, and keep in the ledger what was seen.

    Raises:
        UnknownTableError
    """
    asked = step.gate
    assert isinstance(asked, Evidence)
    table, column = _found(connection, asked.unused, step) if asked.unused else (None, "")
    watched = Watched(connection, plan, asked, table, column, {})
    kept = connection.execute(query("evidence_of"), {"step": row.id}).fetchone()
    memory: dict[str, Any] = kept[0] if kept else {}
    users: list[str] = []
    for name, kind in _kinds().items():
        if getattr(asked, kind.ASKED):
            watched.memory = memory.setdefault(name, {})
            users += kind.look(watched)
    what = {"step": row.id, "memory": Jsonb(memory), "users": users, "unknown": watched.unknown}
    stored = connection.execute(query("evidence_set"), {**what, "quiet": not users and not watched.unknown}).fetchone()
    assert stored
    since: datetime
    since, now = stored
    quiet = (now - since).total_seconds()
    return Examined(asked.words, tuple(users), tuple(watched.unknown), quiet, asked.seconds)


def _found(connection: psycopg.Connection, name: str, step: Gate) -> tuple[Table, str]:
    """Return the table that `name` means, or the table and column."""
    *before, last = map(quote, identifiers(name))
    if before:
        with suppress(UnknownTableError):
            table = find_table(connection, ".".join(before))
            column = identifiers(name)[-1]
            if table.column(column):
                return table, column
    return find_table(connection, ".".join([*before, last]), step.location), ""


@cache
def _kinds() -> dict[str, Kind]:
    found: dict[str, Any] = {one.name: import_module(f"{__name__}.{one.name}") for one in iter_modules(__path__)}
    return found
