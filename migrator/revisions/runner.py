"""Upgrades and downgrades a database through its project's own revisions: resumes, reverts, checks the stamp."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from alembic.runtime.migration import MigrationContext
from alembic.script import Script
from alembic.util.exc import CommandError

from migrator.check.live import Watch
from migrator.errors import Location, RefusedError
from migrator.ledger.journal import Journal, half_applied, open_applications
from migrator.postgres.connect import connect
from migrator.revisions.builds import Builder
from migrator.revisions.conductor import Conductor
from migrator.revisions.dialects import lacks_rows
from migrator.revisions.driver import conninfo_of
from migrator.revisions.enforcement import Enforcement
from migrator.revisions.environment import VersionTable, run_environment
from migrator.revisions.errors import NotStampedError, OutOfOrderError, ResultGoneError, UnknownRevisionError
from migrator.revisions.guard import Guard
from migrator.revisions.interception import Interception
from migrator.revisions.means import Means
from migrator.revisions.plain_form import PlainForm
from migrator.revisions.project import Project
from migrator.revisions.retries import ProgressMade, is_retried, retrying
from migrator.revisions.session_settings import own_rights

OWN = "migrator"
"""The project under which the journal has statements of migrator itself."""


class HalfAppliedError(RefusedError):
    """A revision is applied, or undone, only in part, and the command would go the other way.

    What is committed of it is in the journal. Finish it first with the command shown, or take it back.
    """

    code = "MG305"


class Runner:
    """Runs revisions of `project` with `means`."""

    def __init__(self, project: Project, means: Means) -> None:
        self._project = project
        self._means = means
        self._watch = Watch()

    def version(self) -> VersionTable:
        """Return the heads that the database is at, changing nothing."""
        return version_of(self._project, self._means.url)

    def upgrade(self, revision: str, where: Location | None = None) -> bool:
        """Apply `revision`, which must be next; return False where it is applied already.

        Raises:
            OutOfOrderError: it is not next.
            LockTimeoutError, StatementFailedError, StatementRefusedError, RevisionFileError, ConnectionLostError
        """
        script = self._project.script(revision, where)

        def plan(heads: tuple[str, ...]) -> list[Any]:
            if script.revision in self._project.ancestors(heads):
                return []
            return self._only(script, "upgrade", self._upgrades(script.revision, heads), heads, where)

        return bool(self._run("upgrade", f"revision {script.revision}", plan, where))

    def downgrade(self, revision: str, where: Location | None = None) -> None:
        """Undo `revision`, which must be a head.

        Raises:
            As `upgrade`.
        """
        script = self._project.script(revision, where)
        target = next(iter(script._versioned_down_revisions), "base")  # noqa: SLF001 - the public one has two types

        def plan(heads: tuple[str, ...]) -> list[Any]:
            return self._only(script, "downgrade", self._downgrades(target, heads), heads, where)

        self._run("downgrade", f"revision {script.revision}", plan, where)

    def upgrade_to(self, target: str) -> list[str]:
        """Apply every revision up to `target`, whatever Alembic accepts as one; return those applied.

        Raises:
            HalfAppliedError, and as `upgrade`.
        """
        return self._run("upgrade", f"upgrade to {target}", lambda heads: self._upgrades(target, heads), None)

    def downgrade_to(self, target: str) -> list[str]:
        """Undo every revision down to `target`; return those undone.

        Raises:
            As `upgrade_to`.
        """
        return self._run("downgrade", f"downgrade to {target}", lambda heads: self._downgrades(target, heads), None)

    def revert(self, revision: str, where: Location | None = None) -> bool:
        """Undo what a half-applied upgrade of `revision` has committed; return whether there was anything.

        The pieces of a statement that stopped in the middle are taken back one by one. Then the revision's own
        downgrade runs, in which a statement about something that the upgrade had not come to is passed over.

        Raises:
            As `upgrade`.
        """
        script = self._project.script(revision, where)
        found: list[bool] = []

        def attempt(guard: Guard) -> None:
            found.append(self._revert_once(script, guard))

        retrying(self._means, f"revision {script.revision}", where, attempt)
        return found[-1]

    def send(self, name: str, statement: str, where: Location | None = None, *, plain: str = "") -> None:
        """Run one statement of ours as if a revision had sent it: in its online form, tried again, resumed.

        `name` is what the journal knows it by: to send the same statement again one day, it has to be another.

        Args:
            plain: why it is run as it is written, where it has no online form.

        Raises:
            As `upgrade`.
        """

        def attempt(guard: Guard) -> None:
            conductor = self._conductor(guard)
            with connect(self._means.url, application=self._means.application, autocommit=False) as connection:
                self._means.adopted(connection)
                cursor = connection.cursor()
                journal = _journal(_opened(cursor, OWN), OWN, name, "restore")
                conductor.begin(connection, journal, PlainForm(whole=plain))
                conductor.execute(cursor, statement, cursor.execute, pyformat=False)
                conductor.end()
                conductor.stamped(connection)

        retrying(self._means, f"the restore ({statement})", where, attempt)

    def _upgrades(self, target: str, heads: tuple[str, ...]) -> list[Any]:
        # As alembic.command.upgrade and downgrade do: there is no public way to ask for the steps.
        return list(_asked(lambda: self._project.scripts._upgrade_revs(target, heads)))  # type: ignore[arg-type]  # noqa: SLF001

    def _downgrades(self, target: str, heads: tuple[str, ...]) -> list[Any]:
        return list(_asked(lambda: self._project.scripts._downgrade_revs(target, heads)))  # type: ignore[arg-type]  # noqa: SLF001

    def _run(
        self, direction: str, subject: str, plan: Callable[[tuple[str, ...]], list[Any]], where: Location | None
    ) -> list[str]:
        done: list[str] = []

        def attempt(guard: Guard) -> None:
            if self._project.env_repeats:
                self.version()  # several databases are to be refused before the history runs on the first
            conductor = self._conductor(guard)
            interception = self._interception(conductor)
            steps = functools.partial(
                self._conducted_steps, conductor=conductor, interception=interception, direction=direction, plan=plan
            )
            try:
                run_environment(self._project, self._means.url, interception, steps)
            except Exception as error:
                if conductor.finished and is_retried(error):
                    raise ProgressMade from error
                raise
            finally:
                done.extend(conductor.finished)
            if conductor.unfinished:
                raise NotStampedError(
                    f"{subject} did not come to its end, and env.py kept the reason to itself",
                    where=where,
                    notes=["what was not committed on the way was rolled back by the server"],
                    help="let env.py pass on the errors of context.run_migrations()",
                )

        retrying(self._means, subject, where, attempt)
        return done

    def _conducted_steps(
        self,
        heads: tuple[str, ...],
        context: MigrationContext,
        *,
        conductor: Conductor,
        interception: Interception,
        direction: str,
        plan: Callable[[tuple[str, ...]], list[Any]],
    ) -> list[Any]:
        """Return Alembic's steps, each with its function handed to the conductor."""
        project = self._journal_key(context)
        cursor = _raw(context).cursor()
        _refuse_half_applied(cursor, project, "downgrade" if direction == "upgrade" else "upgrade")
        opened = _opened(cursor, project)
        steps = plan(heads)
        plain_forms = [self._project.plain_form(step.revision) for step in steps]
        rules = [self._enforcement(step.revision) if direction == "upgrade" else None for step in steps]
        # Whatever env.py does about transactions, each revision is committed as soon as it is stamped.
        context.on_version_apply_callbacks = (
            *context.on_version_apply_callbacks,
            lambda **_: conductor.stamped(_raw(context)),
        )
        for step, plain_form, rule in zip(steps, plain_forms, rules, strict=True):
            revision = step.revision.revision
            journal = _journal(opened, project, revision, direction)
            function = step.migration_fn

            def conducted(
                function: Callable[..., None] = function,
                journal: Journal = journal,
                plain_form: PlainForm = plain_form,
                enforcement: Enforcement | None = rule,
                **arguments: Any,
            ) -> None:
                self._means.began(journal.revision, direction)
                conductor.begin(_raw(context), journal, plain_form, enforcement)
                try:
                    with interception.revision():
                        function(**arguments)
                except Exception as error:
                    if conductor.unanswered and lacks_rows(error):
                        raise _result_gone(journal.revision, conductor.unanswered) from error
                    raise
                conductor.end()

            step.migration_fn = conducted
        return steps

    def _enforcement(self, script: Script) -> Enforcement:
        revision, means = script.revision, self._means
        return Enforcement(str(script.module.__file__), self._watch, means.allow, lambda: means.accepted(revision))

    def _conductor(self, guard: Guard, *, lenient: bool = False) -> Conductor:
        builder = Builder(self._means.watcher, self._means.build_wait, self._means.building)
        return Conductor(guard, builder, self._means.ran, self._means.companion, lenient=lenient)

    def _interception(self, conductor: Conductor) -> Interception:
        return Interception(self._means.url, self._means.application, conductor, self._means.adopted)

    def _revert_once(self, script: Script, guard: Guard) -> bool:
        conductor = self._conductor(guard, lenient=True)
        interception = self._interception(conductor)
        found: list[bool] = []

        def steps(_heads: tuple[str, ...], context: MigrationContext) -> tuple[()]:
            assert context.connection
            raw, project = _raw(context), self._journal_key(context)
            opened = _opened(raw.cursor(), project)
            upgrade = _journal(opened, project, script.revision, "upgrade")
            upgrade.load(raw.cursor())
            raw.commit()
            found.append(upgrade.application is not None)
            if found[-1]:
                downgrade = _journal(opened, project, script.revision, "downgrade")
                conductor.begin(raw, downgrade, self._project.plain_form(script))
                conductor.take_back(raw, upgrade)
                with context.begin_transaction(_per_migration=True):  # autocommit_block() wants one to leave
                    with interception.revision():
                        script.module.downgrade()
                    conductor.end()
                    upgrade.close(raw.cursor(), "abandoned")
            return ()

        run_environment(self._project, self._means.url, interception, steps)
        return found[-1]

    def _only(
        self, script: Script, direction: str, planned: list[Any], heads: tuple[str, ...], where: Location | None
    ) -> list[Any]:
        found = [step.revision.revision for step in planned]
        if found == [script.revision]:
            return planned
        others = ", ".join(other for other in found if other != script.revision) or "nothing to do"
        raise OutOfOrderError(
            f"cannot {direction} revision {script.revision} now: the database is at {', '.join(heads) or 'nothing'}",
            where=where,
            notes=[f"it would take these first: {others}"],
            help="apply the plans of those revisions first; see: migrator status",
        )

    def _journal_key(self, context: MigrationContext) -> str:
        """Return what tells this history from others in one database: a schema for each tenant has its own."""
        schema = f"{context.version_table_schema}." if context.version_table_schema else ""
        return f"{self._project.key}:{schema}{context.version_table}"


def version_of(project: Project, url: str | None) -> VersionTable:
    """Return where `project` stands in the database at `url`, changing nothing."""
    interception = Interception(url, "migrator version", Untouched())
    return run_environment(project, url, interception, lambda _heads, _context: (), read_only=True)


def configured_url(project: Project) -> str:
    """Return where the project's own configuration connects to, password included: never show it."""
    found: list[str] = []
    interception = Interception(
        None, "migrator version", Untouched(), lambda connection: found.append(conninfo_of(connection))
    )
    run_environment(project, None, interception, lambda _heads, _context: (), read_only=True)
    return found[-1]


def heads_of(project: Project, url: str | None) -> tuple[str, ...]:
    """Return the revisions that the database at `url` is at."""
    return version_of(project, url).heads


class Untouched:
    """A handler that lets everything pass."""

    def execute(self, *_: Any, **__: Any) -> bool:
        return False

    def elsewhere(self, *_: Any, **__: Any) -> bool:
        return False

    def before_commit(self, connection: Any) -> None: ...

    def after_rollback(self) -> None: ...


def _result_gone(revision: str, statement: str) -> ResultGoneError:
    return ResultGoneError(
        f"revision {revision} reads rows that it was given before it stopped half-way",
        notes=[f"statement: {' '.join(statement.split())[:300]}", "it is committed, and is not run again"],
        help="take back what is committed and apply it anew: migrator downgrade -1",
    )


def _raw(context: MigrationContext) -> Any:
    assert context.connection
    return context.connection.connection.dbapi_connection


def _asked(steps: Callable[[], Iterable[Any]]) -> Iterable[Any]:
    try:
        return steps()
    except CommandError as error:
        raise UnknownRevisionError(str(error), help="see the history: alembic history") from error


def _opened(cursor: Any, project: str) -> dict[tuple[str, str], int]:
    with own_rights(cursor):
        return open_applications(cursor, project)


def _journal(opened: dict[tuple[str, str], int], project: str, revision: str, direction: str) -> Journal:
    return Journal(project, revision, direction, own_rights, opened.get((revision, direction)))


def _refuse_half_applied(cursor: Any, project: str, other: str) -> None:
    with own_rights(cursor):
        half = half_applied(cursor, project, other)
    if half:
        back = "migrator downgrade" if other == "downgrade" else "migrator upgrade"
        raise HalfAppliedError(
            f"the {other} of revision {half[0]} stopped half-way and is not finished",
            notes=["nothing was changed by this command"],
            help=f"finish it first: {back} {half[0] if other == 'upgrade' else '-1'}",
        )
