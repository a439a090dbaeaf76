"""What ends with a revision's transaction, kept alive through the commits that are made between its statements."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from migrator.revisions.advisory_locks import AdvisoryLocks
from migrator.revisions.savepoints import Savepoints
from migrator.revisions.session_settings import SessionSettings
from migrator.revisions.temporary import TemporaryTables


@dataclass(slots=True)
class Kept:
    """Settings, advisory locks, savepoints and temporary tables."""

    settings: SessionSettings = field(default_factory=SessionSettings)
    locks: AdvisoryLocks = field(default_factory=AdvisoryLocks)
    savepoints: Savepoints = field(default_factory=Savepoints)
    temporary: TemporaryTables = field(default_factory=TemporaryTables)

    def begin(self, cursor: Any) -> None:
        """Another revision begins: only what env.py holds goes on."""
        self.forget()
        self.temporary.forget()
        self.locks.renew(cursor)

    def before_commit(self, cursor: Any) -> None:
        """Take note of what a commit of ours is about to end."""
        self.settings.keep(cursor)
        self.locks.keep(cursor)

    def renew(self, cursor: Any, *, savepoints: bool = True) -> None:
        """Have it again in the transaction that `cursor` is in, or begins."""
        self.locks.renew(cursor)
        self.settings.renew(cursor)
        if savepoints:
            self.savepoints.renew(cursor)

    def end(self, cursor: Any) -> None:
        """Do what the revision's own commit, which follows, is to do."""
        self.temporary.end(cursor)
        self.forget()

    def forget(self) -> None:
        """The revision's transaction is over."""
        self.savepoints.forget()
        self.settings.forget()
