"""The settings of a connection on which chunks are done."""

from __future__ import annotations

from migrator.backfill.dual_write import SILENCE

LOCK_SHARE = 0.25  # of the lock timeout: a chunk that waits for a row holds those it has done, so it waits less


def chunk_settings(lock_timeout: float, longest: float, *, silent: bool) -> dict[str, str]:
    """Return the settings for chunks that may take `longest` seconds.

    `silent` keeps the triggers of dual writes from doing what the chunks do.
    """
    return {
        SILENCE: "on" if silent else "off",
        "lock_timeout": f"{round(lock_timeout * LOCK_SHARE * 1000)}ms",
        "statement_timeout": f"{round(longest * 1000)}ms",
        "idle_in_transaction_session_timeout": f"{round(longest * 1000)}ms",
        # The cursor is in the same WAL as the rows: what a crash takes, it takes of both.
        "synchronous_commit": "off",
        # A row policy must not hide rows from the backfill in silence: with this PostgreSQL refuses instead.
        "row_security": "off",
        # The bounds of a chunk are not known when it is planned, so its cost is overrated.
        "enable_seqscan": "off",
        "deadlock_timeout": "100ms",
    }
