"""The journal of a revision: which of its statements are committed, written in the transaction that commits them.

It speaks through whatever cursor the revision runs on, so that a journal entry and its statement share their fate.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Protocol

from migrator.errors import RefusedError
from migrator.postgres.queries import query


class Executes(Protocol):
    """The part of a DBAPI cursor that the journal needs."""

    def execute(self, operation: Any, parameters: Any = ..., /) -> Any: ...
    def fetchall(self) -> Any: ...
    def fetchone(self) -> Any: ...


class RevisionChangedError(RefusedError):
    """A half-applied revision was edited: a statement that is already committed has another text now.

    migrator resumes a revision behind its last committed statement, and can only do so when the statements before it
    are the same. Restore the revision file as it was and run the same command, or undo the part that is committed with
    `migrator rollback` (`migrator downgrade` outside a plan) before applying the new text.
    """

    code = "MG303"


@dataclass(frozen=True, slots=True)
class Entry:
    """One piece of a revision: part `part`, counted from 0, of what the `ordinal`-th statement was turned into.

    `digest` identifies the statement as the revision sent it, `sql` is the piece as it runs, `kind` how it runs, and
    `leftover` what an interrupted attempt can leave behind.
    """

    ordinal: int
    part: int
    digest: str
    sql: str
    kind: str
    state: str
    leftover: dict[str, Any] | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


def digest(sql: str) -> str:
    """Return what identifies a statement as a revision sent it: its text without layout, not its parameters."""
    return hashlib.sha256(" ".join(sql.split()).encode()).hexdigest()[:32]


@dataclass(slots=True)
class Journal:
    """The journal of one upgrade or downgrade of one revision of one Alembic `project`."""

    project: str
    revision: str
    direction: str
    rights: Callable[[Any], AbstractContextManager[None]] = nullcontext
    """Gives a cursor the rights that the ledger needs, where somebody has taken them from it."""
    application: int | None = None
    """What `open_applications` has of it: what an earlier attempt has left unfinished."""
    entries: dict[int, list[Entry]] = field(default_factory=dict)
    ordinal: int = 0
    """The statement that the revision has come to, counted from 1."""

    def load(self, cursor: Executes) -> None:
        """Read what an earlier attempt has committed."""
        if self.application is None:
            return
        with self.rights(cursor):
            cursor.execute(query("journal_of"), {"application": self.application})
            for row in cursor.fetchall():
                entry = Entry(*row)
                self.entries.setdefault(entry.ordinal, []).append(entry)

    def pieces(self, cursor: Executes, sql: str, *, looked: bool = False) -> list[Entry]:
        """Return the pieces that an earlier attempt has planned or committed for the next statement, if any.

        A statement of which nothing was begun, because it failed, may have another text now: that is planned anew. And
        a revision that has `looked` at the database since its last statement may leave out what it found made.

        Raises:
            RevisionChangedError: the statement has another text now, and part of it is committed.
        """
        self.ordinal += 1
        entries = self.entries.get(self.ordinal, [])
        if entries and entries[0].digest != digest(sql) and looked:
            self.ordinal = self._behind_what_is_done(digest(sql))
            entries = self.entries.get(self.ordinal, [])
        if not entries or entries[0].digest == digest(sql):
            return entries
        if any(entry.state != "planned" for entry in entries):
            raise RevisionChangedError(
                f"revision {self.revision} was changed after part of it had been applied",
                notes=[f"statement {self.ordinal} was: {entries[0].sql[:200]}", f"and is now: {sql[:200]}"],
                help="restore the revision file and run the same command, or roll back first",
            )
        with self.rights(cursor):
            cursor.execute(query("journal_forget"), {"application": self.application, "ordinal": self.ordinal})
        del self.entries[self.ordinal]
        return []

    def _behind_what_is_done(self, wanted: str) -> int:
        """Return the next ordinal at which this statement stands, or the first one that is not done."""
        ordinal = self.ordinal
        while entries := self.entries.get(ordinal, []):
            if entries[0].digest == wanted or any(entry.state != "done" for entry in entries):
                break
            ordinal += 1
        return ordinal

    def write(self, cursor: Executes, entries: list[Entry]) -> None:
        """Write `entries` through `cursor`, in its transaction if it has one."""
        with self.rights(cursor):
            if self.application is None:
                cursor.execute(query("application_insert"), self._key)
                self.application = cursor.fetchone()[0]
            cursor.execute(query("journal_insert"), {"application": self.application, "entries": _as_json(entries)})
        for entry in entries:
            kept = [one for one in self.entries.get(entry.ordinal, []) if one.part != entry.part]
            self.entries[entry.ordinal] = sorted([*kept, entry], key=lambda one: one.part)

    def complete(self, cursor: Executes, entries: list[Entry]) -> None:
        """Write the last `entries` and close the application, in the transaction that stamps the version."""
        if self.application is None:
            if entries:
                with self.rights(cursor):
                    cursor.execute(query("journal_complete"), {**self._key, "entries": _as_json(entries)})
            return
        if entries:
            self.write(cursor, entries)
        self.close(cursor, "complete")

    def close(self, cursor: Executes, state: str) -> None:
        """Close the application, if anything of it was ever committed."""
        if self.application is not None:
            with self.rights(cursor):
                cursor.execute(query("application_finish"), {"application": self.application, "state": state})

    @property
    def _key(self) -> dict[str, str]:
        return {"project": self.project, "revision": self.revision, "direction": self.direction}


def _as_json(entries: list[Entry]) -> str:
    return json.dumps([asdict(entry) for entry in entries], default=datetime.isoformat)


def open_applications(cursor: Executes, project: str) -> dict[tuple[str, str], int]:
    """Return the applications that are not finished, by revision and direction: who holds the database makes them."""
    cursor.execute(query("application_open"), {"project": project})
    return {(revision, direction): application for application, revision, direction in cursor.fetchall()}


def half_applied(cursor: Executes, project: str | None, direction: str) -> list[str]:
    """Return the revisions of `project`, or of all, whose upgrade or downgrade is committed in part, oldest first."""
    cursor.execute(query("half_applied"), {"project": project, "direction": direction})
    return [row[0] for row in cursor.fetchall()]
