"""The open transaction of a revision: what was done in it, its journal, and what has to outlast a commit of ours."""

from __future__ import annotations

from typing import Any

from migrator.ledger.journal import Entry, Journal
from migrator.revisions.driver import connection_of, in_transaction
from migrator.revisions.enforcement import Enforcement
from migrator.revisions.guard import Guard
from migrator.revisions.kept import Kept


class Transaction:
    """One after the other, of all revisions of one run of `env.py`."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self.kept = Kept()
        self.journal: Journal | None = None
        """The journal of the revision that is not finished yet."""
        self.stamping = False
        """Whether the revision's function has returned, so that Alembic's stamp is what follows."""
        self.pending: list[Entry] = []
        """What was done since the last commit."""
        self.finished: list[str] = []
        self.enforcement: Enforcement | None = None
        """The rules of `check` for that revision."""

    def begin(self, cursor: Any, journal: Journal) -> None:
        """Another revision begins."""
        self.journal, self.stamping, self.pending = journal, False, []
        self.guard.reset()
        self.kept.begin(cursor)
        journal.load(cursor)

    def commit(self, cursor: Any) -> None:
        """Commit what was done together with its journal, although the revision goes on."""
        own = beside(cursor)
        self.kept.before_commit(own)
        self.flush(own)
        if connection_of(cursor).autocommit:
            if in_transaction(connection_of(cursor)):
                own.execute("COMMIT")
        else:
            connection_of(cursor).commit()
        self.guard.reset()

    def flush(self, cursor: Any) -> None:
        """Write the journal of what was done: a commit follows."""
        assert self.journal
        if self.enforcement is not None:
            self.enforcement.settle()
        if self.stamping:
            self.journal.complete(cursor, self.pending)
            self.finished.append(self.journal.revision)
            self.journal = None
        elif self.pending:
            self.journal.write(cursor, self.pending)
        self.pending = []

    def abandoned(self) -> None:
        """What was done since the last commit is gone."""
        self.pending = []
        if self.enforcement is not None:
            self.enforcement.forget()
        self.guard.reset()


def beside(cursor: Any) -> Any:
    """Return another cursor of the same connection, so that the statement's own result stays readable."""
    return connection_of(cursor).cursor()
