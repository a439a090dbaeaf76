"""Statements that stand still at a chosen row until a test lets them go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

import psycopg

from tests.support.background import in_background
from tests.support.polling import wait_until

T = TypeVar("T")

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
    """Lets an SQL expression that calls ``braked(condition)`` stand still where the condition is true."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        connection.execute(_FUNCTION)

    @contextmanager
    def standing(self, work: Callable[[], T]) -> Iterator[Future[T]]:
        """Run `work` on a thread until its statement stands still; after the block it goes on, to its end."""
        self._connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        with in_background(work) as run:
            try:
                self._wait_for(run)
                yield run
            finally:
                self._connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))

    def _wait_for(self, run: Future[T]) -> None:
        def standing() -> bool:
            if run.done():
                raise AssertionError(f"ended before it stood still: {run.exception() or run.result()}")
            return self._connection.execute(_STANDING).fetchone() != (0,)

        wait_until(standing, message="a session that stands still", interval=0.005)
