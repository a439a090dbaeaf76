"""What can be wrong with an Alembic project or with running one of its revisions."""

from __future__ import annotations

from migrator.errors import OutcomeUnknown, RefusedError, UnavailableError, UsageError


class ProjectError(UsageError):
    """The Alembic project cannot be loaded: its ini file, its script directory or its `env.py`.

    Point `--alembic-ini` (or `alembic_ini` in the settings) at the project's ini file. Relative paths in it are taken
    as Alembic takes them.
    """

    code = "MG170"


class UnknownRevisionError(UsageError):
    """No revision of the Alembic project has this identifier.

    Write the identifier as in the revision file, or at least enough of its beginning to be unique.
    """

    code = "MG171"


class SeveralHeadsError(UsageError):
    """The history has several heads, so it is not clear which one is meant.

    Merge them with `alembic merge heads`, or name the revision.
    """

    code = "MG172"


class RevisionFileError(UsageError):
    """A revision file, or `env.py`, raised an error of its own.

    The message is the file's. Whatever the revision had sent before it was rolled back, except parts that were
    committed on purpose: `migrator status` shows a half-applied revision.
    """

    code = "MG173"


class NoReasonError(UsageError):
    """The online form of a statement is switched off, and nobody says why.

    Whoever reads it later has to know: `# migrator: plain because REASON` in the revision, `plain: REASON` beside the
    revision in a plan, or `REVISION because REASON` in the setting `plain`.
    """

    code = "MG174"


class OutOfOrderError(RefusedError):
    """The revision does not follow the one that the database is at.

    Applying it would silently apply, or undo, other revisions too. Apply the plans (or revisions) before it first.
    """

    code = "MG323"


class NotStampedError(OutcomeUnknown):
    """A revision began, its version was not stamped, and yet `env.py` ended without an error.

    `env.py` most likely catches the errors of `context.run_migrations()`. What was not committed was rolled back by the
    server; `migrator status` shows a half-applied revision. Let `env.py` pass errors on and run the same command again.
    """

    code = "MG601"


class LockTimeoutError(UnavailableError):
    """A lock could not be had before the deadline.

    migrator waits for a lock only for a short time, because everybody who comes later waits behind it; then it rolls
    back, lets them pass and tries again, until the deadline. Nothing of the failed statement remains. End the session
    that blocks, or wait longer with `--lock-wait`, and run the same command again.
    """

    code = "MG204"


class StatementRefusedError(RefusedError):
    """The statement would stall traffic, and there is no online form of it.

    It rewrites or scans the table while it holds a lock that stops reads or writes, for as long as the table is large.
    The notes say which plan does the same without that.
    """

    code = "MG324"


class RuleBrokenError(RefusedError):
    """A rule of `migrator check` is against the statement, and nobody has accepted it in writing.

    It would take rows away, rename or drop what running code uses, or change a large table at once. Do it in the phases
    of a plan, with `archive` or `irreversible`; or accept it beside the statement, with the reason:
    `# migrator: allow RULE because REASON`. `migrator explain RULE` tells the whole story.
    """

    code = "MG334"


class ResultGoneError(RefusedError):
    """A half-applied revision needs the rows that one of its committed statements has returned.

    migrator resumes a revision behind its last committed statement and does not run the ones before it again, so it has
    no rows to give where the revision reads what an `INSERT ... RETURNING` or a function call gave it the first time.
    Take back what is committed, with `migrator rollback` in a plan or `migrator downgrade -1` outside, and apply the
    revision anew.
    """

    code = "MG333"


class StatementFailedError(RefusedError):
    """The database refused a statement of a revision: a constraint is violated, an object is missing or is there.

    The transaction was rolled back. Correct the data or the revision and run the same command again, or roll back.
    """

    code = "MG325"
