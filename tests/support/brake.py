"""Statements that stand still at a chosen row until a test lets them go."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import psycopg

from tests.support.polling import wait_until

_LOCK = 7_101
# VOLATILE, so that it is called for each row; the try does not wait in a queue, so lock_timeout has no say.
_FUNCTION = f"""
    CREATE OR REPLACE FUNCTION public.braked(here boolean) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$ BEGIN
        WHILE here AND NOT pg_try_advisory_xact_lock_shared({_LOCK}) LOOP PERFORM pg_sleep(0.005); END LOOP;
        RETURN true;
    END $$
"""
_STANDING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event = 'PgSleep' AND pid <> pg_backend_pid()
"""


class Brake:
    """While on, an SQL expression that calls ``braked(condition)`` stands still where the condition is true."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        connection.execute(_FUNCTION)

    @contextmanager
    def on(self) -> Iterator[None]:
        self._connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        try:
            yield
        finally:
            self._connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))

    def wait_for(self, run: Future[Any]) -> None:
        """Wait until a session stands still; fail if `run`, which is to bring it there, ends before."""

        def standing() -> bool:
            if run.done():
                raise AssertionError(f"ended before it stood still: {run.exception() or run.result()}")
            return self._connection.execute(_STANDING).fetchone() != (0,)

        wait_until(standing, message="a session that stands still", interval=0.005)
