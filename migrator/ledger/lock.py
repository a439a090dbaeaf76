"""One run at a time per database: an advisory lock on a connection of its own, polled, never waited for."""

from __future__ import annotations

from contextlib import suppress

import psycopg

from migrator.errors import RefusedError
from migrator.postgres.blockers import Blocker, duration
from migrator.postgres.connect import ConnectionLostError, is_lost
from migrator.postgres.queries import query

KEY = 0x6D69_6772_6174_6F72  # "migrator"


class DatabaseHeldError(RefusedError):
    """Another run of migrator works on this database.

    Only one run may work on a database at a time, so that two releases cannot undo each other's steps. Wait for the
    other run, watch it with `migrator status`, or stop it with Ctrl-C at its terminal: it stops at a clean checkpoint.
    """

    code = "MG301"


class PoolerError(RefusedError):
    """The connection goes through a pooler in transaction mode.

    Such a proxy gives every transaction another server session: session settings, advisory locks and timeouts are
    silently lost. Give migrator the address of PostgreSQL itself, or of a pool in session mode.
    """

    code = "MG302"


class DatabaseLock:
    """Holds the database for one run. A blocking wait would deadlock with a concurrent index build, hence try."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def acquire(self) -> None:
        """Take the lock, or say who has it.

        Raises:
            DatabaseHeldError: another session holds it.
            PoolerError: the session is not ours alone.
        """
        refuse_pooler(self._connection)
        row = self._connection.execute(query("try_lock"), {"key": KEY}).fetchone()
        if row and row[0]:
            return
        owner = holder(self._connection)
        raise DatabaseHeldError(
            "another run of migrator works on this database",
            notes=[f"held by: {_describe(owner)}" if owner else "held by: a session that ended just now"],
            help="wait for it, or watch it: migrator status",
        )

    def release(self) -> None:
        """Give the lock back: the server ends a session a moment after its client has gone, the lock with it."""
        with suppress(psycopg.Error):
            self._connection.execute(query("unlock"), {"key": KEY})

    def check(self) -> None:
        """Make sure that the lock is still ours: it goes with its connection.

        Raises:
            ConnectionLostError: the connection that held the lock is gone.
        """
        try:
            self._connection.execute("SELECT 1")
        except psycopg.Error as error:
            if not is_lost(error):
                raise
            raise ConnectionLostError(
                "the connection that held the database for this run was closed",
                help="run the same command again; it goes on behind the last committed work",
            ) from error


def holder(connection: psycopg.Connection) -> Blocker | None:
    """Return the session that holds the database for a run, or None."""
    row = connection.execute(query("lock_owner"), {"key": KEY}).fetchone()
    return Blocker(row[0], row[1], row[2], row[3], float(row[4]), row[5]) if row else None


def _describe(owner: Blocker) -> str:
    return f"pid {owner.pid}, {owner.application}, user {owner.user}, for {duration(owner.age)}"


def refuse_pooler(connection: psycopg.Connection) -> None:
    """Refuse a proxy that hands out server sessions per transaction.

    A proxy tells clients a process id of its own; where it differs from the server's, the session is tested for
    staying the same over two transactions while a second statement is in flight.

    Raises:
        PoolerError
    """
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    if row and row[0] == connection.info.backend_pid:
        return
    connection.execute("SET migrator.pooler_probe = 'here'")
    with psycopg.connect(connection.info.dsn, password=connection.info.password, autocommit=True) as other:
        other.execute("BEGIN")
        other.execute("SELECT 1")
        probe = connection.execute("SELECT current_setting('migrator.pooler_probe', true)").fetchone()
        other.execute("ROLLBACK")
    if not probe or probe[0] != "here":
        raise PoolerError(
            "the connection goes through a pooler in transaction mode",
            help="use the address of the PostgreSQL server itself: --database-url",
        )
