"""Sessions that stand in the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.support.polling import wait_until


@contextmanager
def blocker(url: str, sql: str, *, application_name: str = "blocker") -> Iterator[psycopg.Connection]:
    """Hold a transaction open in which `sql` has run; it ends with the block, or by ending the yielded connection."""
    with psycopg.connect(url, application_name=application_name) as connection:
        connection.execute(sql)
        try:
            yield connection
        finally:
            if not connection.closed and not connection.broken:
                connection.rollback()


def wait_for_the_end(url: str) -> None:
    """Wait until the server has noticed that a process of migrator was killed, and has ended its sessions."""
    with psycopg.connect(url, autocommit=True) as connection:
        ours = (
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name LIKE 'migrator %'"
        )
        wait_until(lambda: connection.execute(ours).fetchone() == (0,), message="the end of killed sessions")
