"""The pieces that a statement runs in, as the journal keeps them: planned before the first, kept through a kill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from migrator.ledger.journal import Entry, Journal, digest
from migrator.postgres.queries import query
from migrator.sql.effects import Object
from migrator.sql.names import Name, quote
from migrator.sql.online.form import ADDED, Leftover, LeftoverKind, Part, PartKind
from migrator.sql.statement import Statement

PLAIN = "plain"  # the kind of an entry that is the statement as it was sent


def plain(ordinal: int, statement: Statement, started: datetime) -> Entry:
    """Return the entry of a statement that was run as it is."""
    now = datetime.now(UTC)
    return Entry(ordinal, 0, digest(statement.text), statement.text, PLAIN, "done", None, started, now)


def planned(ordinal: int, statement: Statement, parts: Sequence[Part]) -> list[Entry]:
    """Return the entries of a statement that is run in `parts`, none of them begun."""
    return [
        Entry(ordinal, number, digest(statement.text), part.sql, part.kind.value, "planned", _written(part.leftover))
        for number, part in enumerate(parts)
    ]


def leftover_of(entry: Entry) -> Leftover | None:
    """Return what an interrupted attempt of this piece can have left."""
    if entry.leftover is None or "kind" not in entry.leftover:
        return None
    return Leftover(LeftoverKind(entry.leftover["kind"]), Name(entry.leftover["name"], entry.leftover["schema"]))


def kind_of(entry: Entry) -> PartKind:
    return PartKind(entry.kind)


def _written(leftover: Leftover | None) -> dict[str, Any] | None:
    if leftover is None:
        return None
    return {"kind": leftover.kind.value, "schema": leftover.name.schema, "name": leftover.name.name}


class AddedNames:
    """Finds the name that the server chose for a constraint, and writes it into the pieces that need it."""

    def __init__(self, cursor: Any, journal: Journal, later: Sequence[Entry]) -> None:
        self._cursor = cursor
        self._journal = journal
        self._later = [entry for entry in later if _is_open(entry)]
        kept = self._later[0].leftover if self._later else None
        self._before = set(kept["before"]) if kept else self._names()

    def keep(self) -> None:
        """Write down which constraints there are, for the case that the next piece is done but we do not hear of it."""
        if self._later:
            before = {"before": sorted(self._before)}
            self._journal.write(self._cursor, [replace(entry, leftover=before) for entry in self._later])

    def resolve(self) -> None:
        """Name the pieces after the constraint that has come since; where none has, they have nothing to do."""
        if not self._later:
            return
        new = self._names() - self._before
        name = min(new) if new else None
        resolved = [
            replace(entry, sql=entry.sql.replace(quote(ADDED), quote(name))) if name else replace(entry, state="done")
            for entry in self._later
        ]
        self._journal.write(self._cursor, resolved)

    def _names(self) -> set[str]:
        if not self._later:
            return set()
        self._cursor.execute(query("constraint_names"), {"table": _table(self._later[0])})
        return {row[0] for row in self._cursor.fetchall()}


def _is_open(entry: Entry) -> bool:
    return quote(ADDED) in entry.sql


def _table(entry: Entry) -> str:
    from migrator.sql.names import name_of  # noqa: PLC0415 - only where a name has to be found
    from migrator.sql.statement import parse  # noqa: PLC0415

    return name_of(parse(entry.sql)[0].tree.relation).quoted()


def begun_only(journal: Journal) -> list[Entry]:
    """Return the pieces that were begun or done, of statements whose pieces are not all done; last first."""
    half = [
        entry
        for entries in journal.entries.values()
        if any(entry.state != "done" for entry in entries)
        for entry in entries
        if entry.state != "planned"
    ]
    return sorted(half, key=lambda entry: (entry.ordinal, entry.part), reverse=True)


def removal(made: Object) -> str | None:
    """Return the statement that removes what a piece of an online form has made, if it made something of its own."""
    if made.kind == "index":
        return f"DROP INDEX IF EXISTS {made.name.quoted()}"
    if made.kind == "constraint" and made.member:
        return f"ALTER TABLE {made.name.quoted()} DROP CONSTRAINT IF EXISTS {quote(made.member)}"
    return None
