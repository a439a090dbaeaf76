"""Upgrades and downgrades one revision at a time: retries locks, resumes what is half applied, checks the stamp."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy.exc
import tenacity
from alembic.runtime.migration import MigrationContext
from alembic.script import Script

from migrator.errors import Location, MigratorError
from migrator.ledger.journal import Journal
from migrator.postgres.activity import Blocker
from migrator.postgres.connect import ConnectionLostError, is_lost
from migrator.postgres.watcher import Watcher
from migrator.revisions.builds import Builder, BuildState
from migrator.revisions.conductor import Companion, Conductor, Ran
from migrator.revisions.environment import Steps, VersionTable, run_environment
from migrator.revisions.errors import (
    LockTimeoutError,
    NotStampedError,
    OutOfOrderError,
    RevisionFileError,
    StatementFailedError,
)
from migrator.revisions.guard import Guard
from migrator.revisions.interception import Interception
from migrator.revisions.project import Project

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 15.0  # seconds, of the full-jitter backoff between two tries
RETRIED = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected, psycopg.errors.QueryCanceled)


@dataclass(frozen=True, slots=True)
class Refused:
    """A lock that was not granted, and when it is tried again. Times in seconds."""

    relation: str
    attempt: int
    timeout: float
    delay: float
    remaining: float
    blockers: tuple[Blocker, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What a runner needs from outside.

    Attributes:
        url: the target, or None where the project's own configuration names it.
        application: what pg_stat_activity shows.
        lock_timeout, lock_wait, build_wait: seconds.
        check: raises what stops the run between two tries.
        sleep: waits between two tries; may raise as `check` does.
        companion: runs what belongs into the transaction of a statement.
        adopted: is told the driver's connection that revisions run on.
    """

    url: str | None
    application: str
    lock_timeout: float
    lock_wait: float
    build_wait: float
    watcher: Watcher
    ran: Callable[[Ran], None]
    building: Callable[[BuildState], None]
    refused: Callable[[Refused], None]
    check: Callable[[], None]
    sleep: Callable[[float], None]
    companion: Companion
    adopted: Callable[[Any], None]


class Runner:
    """Runs revisions of `project` in `environment`."""

    def __init__(self, project: Project, environment: Environment) -> None:
        self._project = project
        self._environment = environment

    def version(self) -> VersionTable:
        """Return the heads that the database is at, changing nothing."""
        return version_of(self._project, self._environment.url)

    def upgrade(self, revision: str, where: Location | None = None) -> None:
        """Apply `revision`, which must be next.

        Raises:
            OutOfOrderError: it is not.
            LockTimeoutError, StatementFailedError, StatementRefusedError, RevisionFileError, ConnectionLostError
        """
        script = self._project.script(revision, where)
        self._run(script.revision, "upgrade", script.revision, where)

    def downgrade(self, revision: str, where: Location | None = None) -> None:
        """Undo `revision`, which must be a head.

        Raises:
            As `upgrade`.
        """
        script = self._project.script(revision, where)
        parents = script._versioned_down_revisions  # noqa: SLF001 - the public property may be a str or a tuple
        self._run(script.revision, "downgrade", parents[0] if parents else "base", where)

    def revert(self, revision: str, where: Location | None = None) -> bool:
        """Undo what a half-applied upgrade of `revision` has committed; return whether there was anything.

        The pieces of a statement that stopped in the middle are taken back one by one. Then the revision's own
        downgrade runs, in which a statement about something that the upgrade had not come to is passed over.

        Raises:
            As `upgrade`.
        """
        script = self._project.script(revision, where)
        found: list[bool] = []
        self._retrying(script.revision, where, lambda guard: found.append(self._revert_once(script, guard)))
        return found[-1]

    def _run(self, revision: str, direction: str, target: str, where: Location | None) -> None:
        self._retrying(revision, where, lambda guard: self._try(revision, direction, target, guard, where))

    def _retrying(self, revision: str, where: Location | None, attempt: Callable[[Guard], None]) -> None:
        guard = Guard(self._environment.lock_timeout, self._environment.watcher)

        def try_once() -> None:
            self._environment.check()
            attempt(guard)

        def before_sleep(state: tenacity.RetryCallState) -> None:
            self._environment.check()
            self._report(guard, state)
            guard.attempt = state.attempt_number + 1

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_is_retried),
            wait=tenacity.wait_random_exponential(multiplier=FIRST_PAUSE, max=LONGEST_PAUSE),
            stop=tenacity.stop_before_delay(self._environment.lock_wait),
            before_sleep=before_sleep,
            sleep=self._environment.sleep,
            reraise=True,
        )
        try:
            retrying(try_once)
        except MigratorError:
            raise
        except Exception as error:
            self._environment.check()
            raise self._translate(error, revision, guard, where) from error

    def _conductor(self, guard: Guard, *, lenient: bool = False) -> Conductor:
        environment = self._environment
        builder = Builder(environment.watcher, environment.build_wait, environment.building)
        return Conductor(guard, builder, environment.ran, environment.companion, lenient=lenient)

    def _intercepted(self, conductor: Conductor, steps: Steps) -> None:
        environment = self._environment
        interception = Interception(environment.url, environment.application, conductor, environment.adopted)
        run_environment(self._project, environment.url, interception, steps)

    def _try(self, revision: str, direction: str, target: str, guard: Guard, where: Location | None) -> None:
        conductor = self._conductor(guard)
        scripts = self._project.scripts

        def steps(heads: tuple[str, ...], context: MigrationContext) -> Iterable[Any]:
            planned = (
                scripts._upgrade_revs(target, heads)  # type: ignore[arg-type]  # noqa: SLF001 - as alembic.command does
                if direction == "upgrade"
                else scripts._downgrade_revs(target, heads)  # type: ignore[arg-type]  # noqa: SLF001
            )
            self._require_only(revision, direction, planned, heads, where)
            for step in planned:
                journal = Journal(self._project.key, revision, direction)
                step.migration_fn = functools.partial(_conducted, step.migration_fn, conductor, journal, context)
            return planned

        self._intercepted(conductor, steps)
        self._require_stamp(revision, direction, where)

    def _revert_once(self, script: Script, guard: Guard) -> bool:
        conductor = self._conductor(guard, lenient=True)
        upgrade = Journal(self._project.key, script.revision, "upgrade")
        downgrade = Journal(self._project.key, script.revision, "downgrade")

        def steps(_heads: tuple[str, ...], context: MigrationContext) -> tuple[()]:
            assert context.connection
            raw = context.connection.connection.dbapi_connection
            assert raw
            upgrade.load(raw.cursor())
            raw.commit()
            if upgrade.application is not None:
                conductor.begin(raw, downgrade)
                conductor.take_back(raw, upgrade)
                script.module.downgrade()
                conductor.end()
                upgrade.finish(raw.cursor(), "abandoned")
                context.connection.commit()
            return ()

        self._intercepted(conductor, steps)
        return upgrade.application is not None

    def _require_only(
        self, revision: str, direction: str, planned: list[Any], heads: tuple[str, ...], where: Location | None
    ) -> None:
        found = [step.revision.revision for step in planned]
        if found == [revision]:
            return
        at = ", ".join(heads) or "nothing"
        others = ", ".join(other for other in found if other != revision) or "nothing to do"
        raise OutOfOrderError(
            f"cannot {direction} revision {revision} now: the database is at {at}",
            where=where,
            notes=[f"it would take these first: {others}"],
            help="apply the plans of those revisions first; see: migrator status",
        )

    def _require_stamp(self, revision: str, direction: str, where: Location | None) -> None:
        applied = revision in self._project.ancestors(self.version().heads)
        if applied != (direction == "upgrade"):
            raise NotStampedError(
                f"revision {revision} ran its {direction}, but the version table does not show it",
                where=where,
                notes=["what it did was rolled back: its env.py did not commit"],
                help="make env.py begin its transaction through context.begin_transaction()",
            )

    def _report(self, guard: Guard, state: tenacity.RetryCallState) -> None:
        spent = state.seconds_since_start or 0.0
        self._environment.refused(
            Refused(
                relation=guard.relation,
                attempt=state.attempt_number,
                timeout=guard.timeout,
                delay=state.next_action.sleep if state.next_action else 0.0,
                remaining=max(self._environment.lock_wait - spent, 0.0),
                blockers=guard.last.blockers if guard.last else (),
            )
        )

    def _translate(self, error: Exception, revision: str, guard: Guard, where: Location | None) -> MigratorError:
        cause = driver_error(error)
        if isinstance(cause, RETRIED):
            return _lock_timeout(guard, self._environment.lock_wait, where)
        if cause is not None and is_lost(cause):
            return ConnectionLostError(
                "the server closed the connection",
                where=where,
                notes=[str(cause).splitlines()[0], "what was not committed was rolled back by the server"],
                help="run the same command again; it goes on where this one stopped",
            )
        if cause is not None:
            return StatementFailedError(
                f"the database refused a statement of revision {revision}: {_first_line(cause)}",
                where=where,
                notes=[*_details(cause), *_statement(error)],
                help="correct the data or the revision and run the same command again, or roll back",
            )
        return RevisionFileError(
            f"revision {revision} raised {type(error).__name__}: {_first_line(error)}",
            where=where,
            notes=["what it had sent since the last commit was rolled back"],
        )


def version_of(project: Project, url: str | None) -> VersionTable:
    """Return where `project` stands in the database at `url`, changing nothing."""
    interception = Interception(url, "migrator version", _Untouched())
    return run_environment(project, url, interception, lambda _heads, _context: (), read_only=True)


def heads_of(project: Project, url: str | None) -> tuple[str, ...]:
    """Return the revisions that the database at `url` is at."""
    return version_of(project, url).heads


class _Untouched:
    """A handler that lets everything pass."""

    def execute(self, *_: Any, **__: Any) -> bool:
        return False

    def before_commit(self, connection: Any) -> None: ...

    def after_rollback(self) -> None: ...


def _conducted(
    function: Callable[..., None], conductor: Conductor, journal: Journal, context: MigrationContext, **arguments: Any
) -> None:
    assert context.connection
    conductor.begin(context.connection.connection.dbapi_connection, journal)
    function(**arguments)
    conductor.end()


def driver_error(error: BaseException) -> psycopg.Error | None:
    """Return the driver's error inside `error`, whoever wrapped it."""
    while True:
        if isinstance(error, psycopg.Error):
            return error
        inner = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error.__cause__
        if inner is None:
            return None
        error = inner


def _is_retried(error: BaseException) -> bool:
    return not isinstance(error, MigratorError) and isinstance(driver_error(error), RETRIED)


def _lock_timeout(guard: Guard, waited: float, where: Location | None) -> LockTimeoutError:
    blockers = guard.last.blockers if guard.last else ()
    return LockTimeoutError(
        f"could not lock {guard.relation or 'a table'} within {guard.timeout:g} s "
        f"(tried {guard.attempt} times in {waited:.0f} s)",
        where=where,
        notes=[*(f"blocked by: {blocker}" for blocker in blockers), "nothing of this statement was changed"],
        help="end that session, or wait longer with --lock-wait 10m, and run the same command again",
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _details(error: psycopg.Error) -> list[str]:
    return [text for text in (error.diag.message_detail, error.diag.message_hint) if text]


def _statement(error: BaseException) -> list[str]:
    text = error.statement if isinstance(error, sqlalchemy.exc.StatementError) else None
    return [f"statement: {' '.join(text.split())[:300]}"] if text else []
