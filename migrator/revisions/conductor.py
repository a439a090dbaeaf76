"""Decides, for each statement of a revision, how it runs: as it is under a guard, in its online form, or not at all.

The transaction stays the revision's own as long as that is safe. Where a statement must not share it, what was done
before is committed together with its journal, and the statement runs in a transaction of its own, or in none.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from migrator.ledger.journal import Entry, Journal
from migrator.revisions.builds import Builder
from migrator.revisions.driver import connection_of, in_transaction, sqlstate
from migrator.revisions.enforcement import Enforcement
from migrator.revisions.errors import StatementRefusedError
from migrator.revisions.facts import CatalogFacts, Made
from migrator.revisions.guard import Guard
from migrator.revisions.kept import Kept
from migrator.revisions.pieces import AddedNames, begun_only, kind_of, leftover_of, plain, planned, removal
from migrator.revisions.plain_form import PlainForm
from migrator.revisions.session_settings import own_rights
from migrator.sql.classify import classify
from migrator.sql.effects import Effect
from migrator.sql.online import online
from migrator.sql.online.form import OnlineForm, PartKind, Refusal
from migrator.sql.online.written import as_chosen, as_written
from migrator.sql.statement import Statement, parse

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
        self._lenient = lenient
        self._guard = guard
        self._builder = builder
        self._report = report
        self._companion = companion
        self._journal: Journal | None = None
        self._stamping = False
        self._looked = False
        self._pending: list[Entry] = []
        self._made = Made()
        self._kept = Kept()
        self._plain_form = PlainForm()
        self._enforcement: Enforcement | None = None
        self.finished: list[str] = []
        self.unanswered = ""
        """The last statement that an earlier attempt has run and that may have returned rows, which are gone."""

    def begin(
        self, connection: Any, journal: Journal, plain_form: PlainForm, enforcement: Enforcement | None = None
    ) -> None:
        """A revision's function is about to run on the driver's `connection`."""
        self._plain_form, self._enforcement = plain_form, enforcement
        self._journal, self._stamping, self._looked, self.unanswered = journal, False, False, ""
        self._pending, self._made = [], Made()
        self._guard.reset()
        self._kept.begin(connection.cursor())
        journal.load(connection.cursor())

    def take_back(self, connection: Any, upgrade: Journal) -> None:
        """Drop what the finished pieces of an unfinished statement have made."""
        for entry in begun_only(upgrade):
            cursor = connection.cursor()
            made = [one for text in parse(entry.sql) for one in classify(text, self._facts(connection)).creates]
            for statement in filter(None, map(removal, made)):
                self.execute(cursor, statement, None, many=False, pyformat=False)

    @property
    def unfinished(self) -> bool:
        """Whether a revision began that never came to its stamp."""
        return self._journal is not None

    def end(self) -> None:
        """The revision's function has returned; what follows until `stamped` is Alembic's stamp."""
        self._stamping = True

    def stamped(self, connection: Any) -> None:
        """The revision is complete: commit its stamp, the rest of its work and the end of its journal together."""
        self._kept.end(connection.cursor())
        self._commit(connection.cursor())

    def execute(self, cursor: Any, statement: str, parameters: Any, *, many: bool, pyformat: bool) -> bool:
        """See `interception.Handler`."""
        if self._journal is None or self._stamping:
            return False

        def send(text: str) -> None:
            if many:
                cursor.executemany(text, parameters)
            elif pyformat:
                cursor.execute(text, parameters)
            else:
                cursor.execute(text)

        parsed = _parsed(statement, pyformat)
        if len(parsed) == 1:
            text = self._lasting(cursor, parsed[0], statement)
            self._one(cursor, parsed[0], functools.partial(send, text))
        else:  # several in one string cannot have parameters: each is sent by itself
            for one in parsed:
                text = self._lasting(cursor, one, one.text)
                self._one(cursor, one, functools.partial(cursor.execute, text))
        return True

    def _lasting(self, cursor: Any, statement: Statement, text: str) -> str:
        alone = connection_of(cursor).autocommit and not in_transaction(connection_of(cursor))
        return text if alone else self._kept.temporary.lasting(statement, text)

    def before_commit(self, connection: Any) -> None:
        """See `interception.Handler`."""
        if self._journal is not None:
            self._kept.end(connection.cursor())
            self._flush(connection.cursor())
        self._guard.reset()

    def after_rollback(self) -> None:
        """See `interception.Handler`."""
        self._pending = []
        self._kept.forget()
        self._guard.reset()

    def _facts(self, connection: Any) -> CatalogFacts:
        return CatalogFacts(connection, self._made)

    def _one(self, cursor: Any, statement: Statement, send: Callable[[], None]) -> None:
        assert self._journal
        if _only_reads(statement):
            send()
            self._looked = True
            return
        facts = self._facts(connection_of(cursor))
        effect = classify(statement, facts)
        if effect.reads_only or effect.transaction_control or effect.changes_settings:
            self._aside(cursor, effect, send)
            return
        entries = self._journal.pieces(_beside(cursor), statement.text, looked=self._looked)
        self._looked = False
        if entries and effect.data_changes:
            self.unanswered = statement.text
        if entries and all(entry.state == "done" for entry in entries):
            self._kept.temporary.skip(statement, effect)
        else:
            self._kept.temporary.require(statement, effect)
            self._run(cursor, _InHand(statement, effect, facts, send), entries)
        self._made.note(_beside(cursor), effect)

    def _run(self, cursor: Any, hand: _InHand, entries: list[Entry]) -> None:
        """Run a statement, or what an earlier attempt has left to do of it."""
        assert self._journal
        statement, effect, facts = hand.statement, hand.effect, hand.facts
        if not entries:
            form = online(statement, facts)
            if form is not None and self._plain_form.reason():
                form = OnlineForm((as_chosen(statement, effect),))
            if isinstance(form, Refusal):
                raise refused(statement, form)
            self._enforce(statement, effect, facts)
            if form is None and effect.transactional:
                if self._guard.must_part(effect, facts):
                    self._commit(cursor)
                    self._kept.renew(_beside(cursor))
                self._plain(cursor, hand)
                return
            parts = form.parts if form else (as_written(statement, effect, facts),)
            entries = self._plan(cursor, planned(self._journal.ordinal, statement, parts))
        try:
            self._pieces(cursor, entries)
        finally:
            if not connection_of(cursor).closed:
                self._kept.renew(_beside(cursor))

    def _enforce(self, statement: Statement, effect: Effect, facts: CatalogFacts) -> None:
        if self._enforcement is not None:
            self._enforcement.check(statement, effect, facts)

    def _aside(self, cursor: Any, effect: Effect, send: Callable[[], None]) -> None:
        """Run what changes nothing that would have to be journalled."""
        control = effect.transaction_control
        if control.startswith(("COMMIT", "END")):
            self._kept.end(_beside(cursor))
            self._commit(cursor)
            return
        send()
        if control in ("ROLLBACK", "ABORT"):
            self.after_rollback()
        elif effect.savepoint:
            del self._pending[self._kept.savepoints.follow(effect, len(self._pending)) :]
        self._kept.settings.follow(cursor, effect)
        self._guard.forget_limits()
        self._made.note(_beside(cursor), effect)

    def _plain(self, cursor: Any, hand: _InHand) -> None:
        assert self._journal
        statement, effect = hand.statement, hand.effect
        started, clock = datetime.now(UTC), time.monotonic()
        alone = connection_of(cursor).autocommit
        if alone:
            cursor.execute("BEGIN")
        try:
            with self._guard.around(cursor, effect, hand.facts):
                self._accompany(_beside(cursor), effect)
                self._sent(cursor, hand.send)
            self._pending.append(plain(self._journal.ordinal, statement, started))
            if alone:
                self._flush(_beside(cursor))
                _beside(cursor).execute("COMMIT")
                self._guard.reset()
        except Exception:
            if alone:
                _beside(cursor).execute("ROLLBACK")
                self.after_rollback()
            raise
        self._report(Ran(statement.text, effect, online=False, milliseconds=(time.monotonic() - clock) * 1000))

    def _accompany(self, cursor: Any, effect: Effect) -> None:
        with own_rights(cursor):
            self._companion(cursor, effect)

    def _sent(self, cursor: Any, send: Callable[[], None]) -> None:
        if not self._lenient:
            send()
            return
        beside = _beside(cursor)
        beside.execute("SAVEPOINT migrator_lenient")
        try:
            send()
        except Exception as error:
            if sqlstate(error) not in NOT_AS_EXPECTED:
                raise
            beside.execute("ROLLBACK TO SAVEPOINT migrator_lenient")

    def _plan(self, cursor: Any, entries: list[Entry]) -> list[Entry]:
        """Commit what was done so far together with the plan of the pieces to come."""
        self._pending += entries
        self._commit(cursor)
        return entries

    def _pieces(self, cursor: Any, entries: list[Entry]) -> None:
        assert self._journal
        if any(entry.state != "done" for entry in entries):
            self._commit(cursor)
        for number in range(len(entries)):
            entry = self._journal.entries[entries[0].ordinal][number]
            if entry.state == "done":
                continue
            clock = time.monotonic()
            if not connection_of(cursor).autocommit:
                self._kept.renew(_beside(cursor), savepoints=False)
            facts = self._facts(connection_of(cursor))
            effect = classify(parse(entry.sql)[0], facts)
            if kind_of(entry) is PartKind.CONCURRENT:
                self._concurrent(cursor, entry, entries[number + 1 :])
            else:
                self._transaction(cursor, entry, entries[number + 1 :], effect, facts)
            converted = kind_of(entry) is not PartKind.PLAIN
            self._report(Ran(entry.sql, effect, online=converted, milliseconds=(time.monotonic() - clock) * 1000))

    def _concurrent(self, cursor: Any, entry: Entry, later: list[Entry]) -> None:
        assert self._journal
        connection = connection_of(cursor)
        self._commit(cursor)
        within = connection.autocommit
        connection.autocommit = True
        try:
            own = connection.cursor()
            with self._kept.settings.outside(own):
                self._built(own, entry, later)
        finally:
            if not connection.closed:
                connection.autocommit = within

    def _built(self, own: Any, entry: Entry, later: list[Entry]) -> None:
        assert self._journal
        began, leftover = entry.state == "started", leftover_of(entry)
        started = replace(entry, state="started", started_at=datetime.now(UTC))
        added = AddedNames(own, self._journal, later)
        added.keep()
        begin = functools.partial(self._journal.write, own, [started])
        try:
            self._builder.run(own, entry.sql, leftover, begin, ours=began)
        except Exception as error:
            if not self._lenient or sqlstate(error) not in NOT_AS_EXPECTED:
                if self._builder.left_nothing(own, leftover):
                    self._journal.write(own, [replace(entry, state="planned", started_at=None)])
                raise
        added.resolve()
        self._journal.write(own, [replace(started, state="done", finished_at=datetime.now(UTC))])

    def _transaction(self, cursor: Any, entry: Entry, later: list[Entry], effect: Effect, facts: CatalogFacts) -> None:
        assert self._journal
        started = datetime.now(UTC)
        own = connection_of(cursor).cursor()
        if connection_of(cursor).autocommit:
            own.execute("BEGIN")
        try:
            added = AddedNames(own, self._journal, later)
            unhurried = kind_of(entry) is PartKind.PLAIN
            with self._guard.around(own, effect, facts, unhurried=unhurried):
                self._accompany(own, effect)
                self._sent(own, lambda: own.execute(entry.sql))
            added.resolve()
            self._journal.write(own, [replace(entry, state="done", started_at=started, finished_at=datetime.now(UTC))])
            self._commit(cursor)
        except Exception:
            if not connection_of(cursor).closed:
                own.execute("ROLLBACK")
            self._pending = []
            self._guard.reset()
            raise

    def _commit(self, cursor: Any) -> None:
        own = connection_of(cursor).cursor()
        self._kept.before_commit(own)
        self._flush(own)
        if connection_of(cursor).autocommit:
            if in_transaction(connection_of(cursor)):
                own.execute("COMMIT")
        else:
            connection_of(cursor).commit()
        self._guard.reset()

    def _flush(self, cursor: Any) -> None:
        assert self._journal
        if self._pending:
            self._journal.write(cursor, self._pending)
            self._pending = []
        if self._stamping:
            self._journal.finish(cursor)
            self.finished.append(self._journal.revision)
            self._journal = None


# What SQLAlchemy asks the catalog before and between a revision's statements comes again and again in the same words.
@lru_cache(maxsize=256)
def _parsed(text: str, pyformat: bool) -> tuple[Statement, ...]:
    return parse(text, pyformat=pyformat)


@lru_cache(maxsize=256)
def _only_reads(statement: Statement) -> bool:
    """Tell whether a statement provably changes nothing, whatever the database holds."""
    effect = classify(statement)
    return effect.reads_only and not effect.changes_settings


def _beside(cursor: Any) -> Any:
    """Return another cursor of the same connection, so that the statement's own result stays readable."""
    return connection_of(cursor).cursor()


def refused(statement: Statement, refusal: Refusal) -> StatementRefusedError:
    """Return the error for a statement that has no online form, with the safe way in the user's own names."""
    text = " ".join(statement.text.split())[:300]
    return StatementRefusedError(
        f"{refusal.rule}: {refusal.reason}",
        notes=[f"statement: {text}", "nothing of it was run", *refusal.safer.splitlines()],
        help="change the revision as shown, or run it where nobody is held up",
    )
