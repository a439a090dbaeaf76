"""Finds out what revisions send without sending it: their functions run, reads go to the server, the rest is noted."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from alembic.runtime.migration import MigrationContext

from migrator.errors import MigratorError
from migrator.revisions.accepted import Accepted
from migrator.revisions.environment import run_environment
from migrator.revisions.facts import CatalogFacts, Made
from migrator.revisions.interception import Interception, Send
from migrator.revisions.plain_form import PlainForm
from migrator.revisions.project import Project
from migrator.revisions.refusals import refuse_elsewhere
from migrator.sql.classify import classify
from migrator.sql.effects import Effect
from migrator.sql.online import online
from migrator.sql.online.form import OnlineForm, Refusal
from migrator.sql.statement import Statement, parse


@dataclass(frozen=True, slots=True)
class Sent:
    """One statement that a revision would send, what it does, and the form in which it would run."""

    statement: Statement
    effect: Effect
    form: OnlineForm | Refusal | None
    plain: str = ""
    """Why it runs as it is written although there is an online form, or would be a refusal."""
    accepted: frozenset[str] = frozenset()
    """Rules of `check` that it may break, as a comment beside it says, or the settings."""


@dataclass(slots=True)
class Recorded:
    """What one revision would send. `unseen` says why not all of it could be found out, or is empty."""

    revision: str
    sent: list[Sent] = field(default_factory=list)
    unseen: str = ""


class _Recording:
    """The handler: lets reads pass and notes everything else."""

    def __init__(self, allow: Sequence[str]) -> None:
        self._allow = allow
        self.into: Recorded | None = None
        self._made = Made()
        self.plain_form = PlainForm()

    def execute(self, cursor: Any, statement: str, send: Send, *, pyformat: bool) -> bool:
        """See `interception.Handler`."""
        del send
        if self.into is None:
            return False
        reads = True
        for one in parse(statement, pyformat=pyformat):
            facts = CatalogFacts(cursor.connection, self._made)
            effect = classify(one, facts)
            reads = reads and effect.reads_only
            if not effect.reads_only and not effect.transaction_control and not effect.changes_settings:
                self.into.sent.append(self._sent(one, effect, facts))
                self._made.note(cursor.connection.cursor(), effect)
        return not reads

    def elsewhere(self, statement: str, *, pyformat: bool) -> bool:
        """See `interception.Handler`.

        Raises:
            StatementRefusedError: it is none that only reads.
        """
        if self.plain_form.reason():
            return True
        refuse_elsewhere(statement, pyformat=pyformat)
        return False

    def _sent(self, statement: Statement, effect: Effect, facts: CatalogFacts) -> Sent:
        form = online(statement, facts)
        reason = self.plain_form.reason() if form is not None else ""
        takes = bool(effect.drops or effect.data_changes)
        accepted = Accepted(self.plain_form.path, self._allow).rules_now() if takes else frozenset()
        return Sent(statement, effect, None if reason else form, reason, accepted)

    def before_commit(self, connection: Any) -> None: ...

    def after_rollback(self) -> None: ...


def record(
    project: Project,
    url: str | None,
    revisions: Sequence[str],
    direction: str = "upgrade",
    *,
    allow: Sequence[str] = (),
) -> list[Recorded]:
    """Return what each of `revisions` would send now, in order, writing nothing.

    A revision that reads what an earlier one would have written cannot be followed to its end; it says so.

    Args:
        allow: the exceptions from the rules of `check` that the settings make.
    """
    handler = _Recording(allow)
    interception = Interception(url, "migrator plan", handler)
    recorded: list[Recorded] = []

    def run(_heads: tuple[str, ...], context: MigrationContext) -> tuple[()]:
        assert context.connection
        for revision in revisions:
            handler.into = Recorded(revision)
            recorded.append(handler.into)
            script = project.script(revision)
            handler.plain_form = project.plain_form(script)
            function = getattr(script.module, direction, None)
            try:
                if function is not None:
                    # autocommit_block() wants a transaction to leave
                    with context.begin_transaction(_per_migration=True), interception.revision():
                        function()
            except MigratorError:
                raise
            except Exception as error:
                if context.connection.invalidated:  # the server is gone; another connection would not be listened to
                    raise
                handler.into.unseen = f"{type(error).__name__}: {error}".splitlines()[0]
            handler.into = None
            with suppress(Exception):
                context.connection.rollback()
        return ()

    run_environment(project, url, interception, run, read_only=True)
    return recorded
