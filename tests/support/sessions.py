"""Sessions that stand in the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg


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
