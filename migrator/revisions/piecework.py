"""Runs the pieces of a statement one by one, each committed with its journal before the next begins."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from migrator.ledger.journal import Entry, Journal
from migrator.revisions.builds import Builder
from migrator.revisions.driver import connection_of, sqlstate
from migrator.revisions.facts import CatalogFacts
from migrator.revisions.pieces import AddedNames, kind_of, leftover_of
from migrator.revisions.transaction import Transaction, beside
from migrator.sql.classify import classify
from migrator.sql.effects import Effect
from migrator.sql.online.form import PartKind
from migrator.sql.statement import parse

# What may have to happen in the very transaction of a statement: a dual write ends where its old column is dropped.
Companion = Callable[[Any, Effect], None]
# What an upgrade that stopped half-way had not come to make, or to remove.
# Undefined and duplicate tables, columns, objects and functions, by SQLSTATE.
NOT_AS_EXPECTED = frozenset({"42P01", "42703", "42704", "42883", "42P07", "42701", "42710", "42723"})


@dataclass(frozen=True, slots=True)
class Ran:
    """A statement, or a piece of one, that was run, for the progress display."""

    sql: str
    effect: Effect
    online: bool
    milliseconds: float


@dataclass(frozen=True, slots=True)
class PieceWork:
    """What runs pieces. Where it is `lenient`, it takes it as done where what a statement removes is not there."""

    transaction: Transaction
    builder: Builder
    report: Callable[[Ran], None]
    companion: Companion
    facts: Callable[[Any], CatalogFacts]
    lenient: bool

    def run(self, cursor: Any, entries: list[Entry]) -> None:
        """Run what is left to do of the `entries` of one statement."""
        if any(entry.state != "done" for entry in entries):
            self.transaction.commit(cursor)
        for number in range(len(entries)):
            entry = self._journal.entries[entries[0].ordinal][number]
            if entry.state == "done":
                continue
            clock = time.monotonic()
            if not connection_of(cursor).autocommit:
                self.transaction.kept.renew(beside(cursor), savepoints=False)
            facts = self.facts(connection_of(cursor))
            effect = classify(parse(entry.sql)[0], facts)
            if kind_of(entry) is PartKind.CONCURRENT:
                self._concurrent(cursor, entry, entries[number + 1 :])
            else:
                self._within(cursor, entry, entries[number + 1 :], effect, facts)
            converted = kind_of(entry) is not PartKind.PLAIN
            self.report(Ran(entry.sql, effect, online=converted, milliseconds=(time.monotonic() - clock) * 1000))

    def send(self, cursor: Any, send: Callable[[], None]) -> None:
        """Send a statement; a lenient one may fail where it does not find what it removes."""
        if not self.lenient:
            send()
            return
        other = beside(cursor)
        other.execute("SAVEPOINT migrator_lenient")
        try:
            send()
        except Exception as error:
            if sqlstate(error) not in NOT_AS_EXPECTED:
                raise
            other.execute("ROLLBACK TO SAVEPOINT migrator_lenient")

    @property
    def _journal(self) -> Journal:
        assert self.transaction.journal
        return self.transaction.journal

    def _concurrent(self, cursor: Any, entry: Entry, later: list[Entry]) -> None:
        connection = connection_of(cursor)
        self.transaction.commit(cursor)
        within = connection.autocommit
        connection.autocommit = True
        try:
            own = connection.cursor()
            with self.transaction.kept.settings.outside(own):
                self._built(own, entry, later)
        finally:
            if not connection.closed:
                connection.autocommit = within

    def _built(self, own: Any, entry: Entry, later: list[Entry]) -> None:
        journal, began, leftover = self._journal, entry.state == "started", leftover_of(entry)
        started = replace(entry, state="started", started_at=datetime.now(UTC))
        added = AddedNames(own, journal, later)
        added.keep()
        begin = functools.partial(journal.write, own, [started])
        try:
            self.builder.run(own, entry.sql, leftover, begin, ours=began)
        except Exception as error:
            if not self.lenient or sqlstate(error) not in NOT_AS_EXPECTED:
                if self.builder.left_nothing(own, leftover):
                    journal.write(own, [replace(entry, state="planned", started_at=None)])
                raise
        added.resolve()
        journal.write(own, [replace(started, state="done", finished_at=datetime.now(UTC))])

    def _within(self, cursor: Any, entry: Entry, later: list[Entry], effect: Effect, facts: CatalogFacts) -> None:
        started = datetime.now(UTC)
        own = beside(cursor)
        if connection_of(cursor).autocommit:
            own.execute("BEGIN")
        try:
            added = AddedNames(own, self._journal, later)
            unhurried = kind_of(entry) is PartKind.PLAIN
            with self.transaction.guard.around(own, effect, facts, unhurried=unhurried):
                self.companion(own, effect)
                self.send(own, lambda: own.execute(entry.sql))
            added.resolve()
            done = replace(entry, state="done", started_at=started, finished_at=datetime.now(UTC))
            self._journal.write(own, [done])
            self.transaction.commit(cursor)
        except Exception:
            if not connection_of(cursor).closed:
                own.execute("ROLLBACK")
            self.transaction.abandoned()
            raise
