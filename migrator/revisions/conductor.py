"""Decides, for each statement of a revision, how it runs: as it is under a guard, in its online form, or not at all.

The transaction stays the revision's own as long as that is safe. Where a statement must not share it, what was done
before is committed together with its journal, and the statement runs in a transaction of its own, or in none.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from migrator.ledger.journal import Entry, Journal
from migrator.revisions.builds import Builder
from migrator.revisions.driver import connection_of, in_transaction
from migrator.revisions.enforcement import Enforcement
from migrator.revisions.facts import CatalogFacts, Made
from migrator.revisions.guard import Guard
from migrator.revisions.interception import Send
from migrator.revisions.pieces import begun_only, plain, planned, removal
from migrator.revisions.piecework import Companion, PieceWork, Ran
from migrator.revisions.plain_form import PlainForm
from migrator.revisions.refusals import refuse_elsewhere, refused
from migrator.revisions.transaction import Transaction, beside
from migrator.sql.classify import classify
from migrator.sql.effects import Effect
from migrator.sql.online import online
from migrator.sql.online.form import OnlineForm, Refusal
from migrator.sql.online.written import as_chosen, as_written
from migrator.sql.statement import Statement, parse


@dataclass(frozen=True, slots=True)
class _InHand:
    """The statement that is being dealt with: what it does, what the catalog says, and how to send it as it is."""

    statement: Statement
    effect: Effect
    facts: CatalogFacts
    send: Callable[[], None]


class Conductor:
    """The handler of one revision's statements. One instance serves one run of `env.py`."""

    def __init__(
        self,
        guard: Guard,
        builder: Builder,
        report: Callable[[Ran], None],
        companion: Companion,
        *,
        lenient: bool = False,
    ) -> None:
        """Make a conductor; a `lenient` one takes it as done where what a statement removes is not there."""
        self._transaction = Transaction(guard)
        self._pieces = PieceWork(self._transaction, builder, report, companion, self._facts, lenient)
        self._looked = False
        self._made = Made()
        self._plain_form = PlainForm()
        self.unanswered = ""
        """The last statement that an earlier attempt has run and that may have returned rows, which are gone."""

    @property
    def finished(self) -> list[str]:
        """The revisions that were finished so far."""
        return self._transaction.finished

    @property
    def unfinished(self) -> bool:
        """Whether a revision began that never came to its stamp."""
        return self._transaction.journal is not None

    def begin(
        self, connection: Any, journal: Journal, plain_form: PlainForm, enforcement: Enforcement | None = None
    ) -> None:
        """A revision's function is about to run on the driver's `connection`."""
        self._plain_form, self._transaction.enforcement = plain_form, enforcement
        self._looked, self.unanswered, self._made = False, "", Made()
        self._transaction.begin(connection.cursor(), journal)

    def take_back(self, connection: Any, upgrade: Journal) -> None:
        """Drop what the finished pieces of an unfinished statement have made."""
        for entry in begun_only(upgrade):
            cursor = connection.cursor()
            made = [one for text in parse(entry.sql) for one in classify(text, self._facts(connection)).creates]
            for statement in filter(None, map(removal, made)):
                self.execute(cursor, statement, cursor.execute, pyformat=False)

    def end(self) -> None:
        """The revision's function has returned; what follows until `stamped` is Alembic's stamp."""
        self._transaction.stamping = True

    def stamped(self, connection: Any) -> None:
        """The revision is complete: commit its stamp, the rest of its work and the end of its journal together."""
        self._transaction.kept.end(connection.cursor())
        self._transaction.commit(connection.cursor())

    def execute(self, cursor: Any, statement: str, send: Send, *, pyformat: bool) -> bool:
        """See `interception.Handler`."""
        if self._transaction.journal is None or self._transaction.stamping:
            return False
        parsed = _parsed(statement, pyformat)
        if len(parsed) == 1:
            text = self._lasting(cursor, parsed[0], statement)
            self._one(cursor, parsed[0], functools.partial(send, text))
        else:  # several in one string cannot have parameters: each is sent by itself
            for one in parsed:
                text = self._lasting(cursor, one, one.text)
                self._one(cursor, one, functools.partial(cursor.execute, text))
        return True

    def elsewhere(self, statement: str, *, pyformat: bool) -> bool:
        """See `interception.Handler`.

        Raises:
            StatementRefusedError: it is none that only reads.
        """
        if not self._plain_form.reason():
            refuse_elsewhere(statement, pyformat=pyformat)
        return False

    def _lasting(self, cursor: Any, statement: Statement, text: str) -> str:
        return text if _is_alone(cursor) else self._transaction.kept.temporary.lasting(statement, text)

    def before_commit(self, connection: Any) -> None:
        """See `interception.Handler`."""
        if self._transaction.journal is not None:
            self._transaction.kept.end(connection.cursor())
            self._transaction.flush(connection.cursor())
        self._transaction.guard.reset()

    def after_rollback(self) -> None:
        """See `interception.Handler`."""
        self._transaction.kept.forget()
        self._transaction.abandoned()

    def _facts(self, connection: Any) -> CatalogFacts:
        return CatalogFacts(connection, self._made)

    @property
    def _journal(self) -> Journal:
        assert self._transaction.journal
        return self._transaction.journal

    def _one(self, cursor: Any, statement: Statement, send: Callable[[], None]) -> None:
        if _only_reads(statement):
            send()
            self._looked = True
            return
        facts = self._facts(connection_of(cursor))
        effect = classify(statement, facts)
        if effect.reads_only or effect.transaction_control or effect.changes_settings:
            self._aside(cursor, effect, send)
            return
        entries = self._journal.pieces(beside(cursor), statement.text, looked=self._looked)
        self._looked = False
        if entries and effect.data_changes:
            self.unanswered = statement.text
        temporary = self._transaction.kept.temporary
        if entries and all(entry.state == "done" for entry in entries):
            temporary.skip(statement, effect)
        else:
            temporary.require(statement, effect)
            self._run(cursor, _InHand(statement, effect, facts, send), entries)
        self._made.note(beside(cursor), effect)

    def _run(self, cursor: Any, hand: _InHand, entries: list[Entry]) -> None:
        """Run a statement, or what an earlier attempt has left to do of it."""
        statement, effect, facts = hand.statement, hand.effect, hand.facts
        work = self._transaction
        if not entries:
            form = online(statement, facts)
            if form is not None and self._plain_form.reason():
                form = OnlineForm((as_chosen(statement, effect),))
            if isinstance(form, Refusal):
                raise refused(statement, form)
            if work.enforcement is not None:
                work.enforcement.check(statement, effect, facts)
                if _is_alone(cursor):
                    work.enforcement.settle()
            if form is None and effect.transactional:
                if work.guard.must_part(statement, effect, facts):
                    work.commit(cursor)
                    work.kept.renew(beside(cursor))
                self._plain(cursor, hand)
                return
            parts = form.parts if form else (as_written(statement, effect, facts),)
            entries = planned(self._journal.ordinal, statement, parts)
            work.pending += entries
            work.commit(cursor)
        try:
            self._pieces.run(cursor, entries)
        finally:
            if not connection_of(cursor).closed:
                work.kept.renew(beside(cursor))

    def _aside(self, cursor: Any, effect: Effect, send: Callable[[], None]) -> None:
        """Run what changes nothing that would have to be journalled."""
        work, control = self._transaction, effect.transaction_control
        if control.startswith(("COMMIT", "END")):
            work.kept.end(beside(cursor))
            work.commit(cursor)
            return
        send()
        if control in ("ROLLBACK", "ABORT"):
            self.after_rollback()
        elif effect.savepoint:
            del work.pending[work.kept.savepoints.follow(effect, len(work.pending)) :]
        work.kept.settings.follow(cursor, effect)
        self._made.note(beside(cursor), effect)

    def _plain(self, cursor: Any, hand: _InHand) -> None:
        work, effect = self._transaction, hand.effect
        started, clock = datetime.now(UTC), time.monotonic()
        alone = connection_of(cursor).autocommit
        if alone:
            cursor.execute("BEGIN")
        try:
            with work.guard.around(cursor, effect, hand.facts):
                self._pieces.companion(beside(cursor), effect)
                self._pieces.send(cursor, hand.send)
            work.pending.append(plain(self._journal.ordinal, hand.statement, started))
            if alone:
                work.flush(beside(cursor))
                beside(cursor).execute("COMMIT")
                work.guard.reset()
        except Exception:
            if alone:
                beside(cursor).execute("ROLLBACK")
                self.after_rollback()
            raise
        self._pieces.report(
            Ran(hand.statement.text, effect, online=False, milliseconds=(time.monotonic() - clock) * 1000)
        )


# What SQLAlchemy asks the catalog before and between a revision's statements comes again and again in the same words.
@lru_cache(maxsize=256)
def _parsed(text: str, pyformat: bool) -> tuple[Statement, ...]:
    return parse(text, pyformat=pyformat)


@lru_cache(maxsize=256)
def _only_reads(statement: Statement) -> bool:
    """Tell whether a statement provably changes nothing, whatever the database holds."""
    effect = classify(statement)
    return effect.reads_only and not effect.changes_settings


def _is_alone(cursor: Any) -> bool:
    """Say whether the next statement commits by itself."""
    return connection_of(cursor).autocommit and not in_transaction(connection_of(cursor))
