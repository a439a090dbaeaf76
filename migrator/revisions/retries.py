"""Tries again what could not get a lock, until the deadline, and says of every other failure what it was."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy.exc
import tenacity

from migrator.errors import Location, MigratorError
from migrator.postgres.backoff import FIRST_PAUSE, LONGEST_PAUSE
from migrator.postgres.connect import ConnectionLostError
from migrator.revisions.driver import is_cut_off, sqlstate
from migrator.revisions.errors import LockTimeoutError, RevisionFileError, StatementFailedError
from migrator.revisions.guard import Guard
from migrator.revisions.means import Means, Refused
from migrator.revisions.team_files import brief, revision_line
from migrator.sql.errors import SqlError

LOCK_NOT_AVAILABLE, DEADLOCK, CANCELLED = "55P03", "40P01", "57014"
RETRIED = frozenset({LOCK_NOT_AVAILABLE, DEADLOCK, CANCELLED})
LOST = frozenset({"57P01", "57P02", "57P03", "08000", "08003", "08006"})


class ProgressMade(Exception):  # noqa: N818 - no error: the deadline begins anew
    """A try failed, but revisions before the one that failed were committed."""


def retrying(means: Means, subject: str, where: Location | None, attempt: Callable[[Guard], None]) -> None:
    """Call `attempt` until it succeeds; `subject` names what it does.

    Raises:
        LockTimeoutError: no lock before the deadline.
        ConnectionLostError, StatementFailedError, RevisionFileError, and any MigratorError as it is.
    """
    while True:
        guard = Guard(means.lock_timeout, means.watcher)
        try:
            _until_deadline(means, guard, attempt)
        except ProgressMade:
            continue
        except SqlError as error:
            raise StatementFailedError(
                f"a statement of {subject} is not SQL: {error.message}",
                where=revision_line(error) or where,
                notes=[*error.notes, "it was not sent; what was not committed was rolled back"],
                help="correct the revision and run the same command again, or undo it",
            ) from error
        except MigratorError as error:
            error.where = error.where or where
            raise
        except Exception as error:
            means.check()
            raise _translated(means, error, subject, guard, where) from error
        return


def _until_deadline(means: Means, guard: Guard, attempt: Callable[[Guard], None]) -> None:
    def once() -> None:
        means.check()
        attempt(guard)

    def before_sleep(state: tenacity.RetryCallState) -> None:
        means.check()
        spent = state.seconds_since_start or 0.0
        means.refused(
            Refused(
                relation=guard.relation,
                attempt=state.attempt_number,
                timeout=guard.timeout,
                delay=state.next_action.sleep if state.next_action else 0.0,
                remaining=max(means.lock_wait - spent, 0.0),
                blockers=guard.last.blockers if guard.last else (),
            )
        )
        guard.attempt = state.attempt_number + 1

    tenacity.Retrying(
        retry=tenacity.retry_if_exception(is_retried),
        wait=tenacity.wait_random_exponential(multiplier=FIRST_PAUSE, max=LONGEST_PAUSE),
        stop=tenacity.stop_before_delay(means.lock_wait),
        before_sleep=before_sleep,
        sleep=means.sleep,
        reraise=True,
    )(once)


def is_retried(error: BaseException) -> bool:
    """Tell whether trying again later can help."""
    cause = _driver_error(error)
    return not isinstance(error, MigratorError) and cause is not None and sqlstate(cause) in RETRIED


def _driver_error(error: BaseException) -> BaseException | None:
    """Return the server's error, or the driver's about the connection, inside `error`, whoever wrapped it."""
    seen: BaseException | None = error
    while seen is not None:
        if not isinstance(seen, sqlalchemy.exc.DBAPIError) and (sqlstate(seen) or is_cut_off(seen)):
            return seen
        seen = seen.orig if isinstance(seen, sqlalchemy.exc.DBAPIError) else seen.__cause__
    return None


def _translated(means: Means, error: Exception, subject: str, guard: Guard, where: Location | None) -> MigratorError:
    cause = _driver_error(error)
    if cause is None:
        return RevisionFileError(
            f"{subject} raised {brief(error)}",
            where=revision_line(error) or where,
            notes=["what it had sent since the last commit was rolled back"],
            help="correct the file and run the same command again, or undo it",
        )
    state = sqlstate(cause)
    if state in RETRIED:
        return _lock_timeout(guard, means.lock_wait, where)
    if state in LOST or is_cut_off(cause):
        return ConnectionLostError(
            "the server closed the connection",
            where=where,
            notes=[_first_line(cause), "what was not committed was rolled back by the server"],
            help="run the same command again; it goes on where this one stopped",
        )
    return StatementFailedError(
        f"the database refused a statement of {subject}: {_first_line(cause)}",
        where=where,
        notes=[*_details(cause), *_statement(error), "what was not committed was rolled back"],
        help="correct the data or the revision and run the same command again, or undo it",
    )


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


def _details(error: BaseException) -> list[str]:
    diagnosis = getattr(error, "diag", None)
    texts = (getattr(diagnosis, "message_detail", None), getattr(diagnosis, "message_hint", None))
    return [text for text in texts if text]


def _statement(error: BaseException) -> list[str]:
    text = error.statement if isinstance(error, sqlalchemy.exc.StatementError) else None
    return [f"statement: {' '.join(text.split())[:300]}"] if text else []
