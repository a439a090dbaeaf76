"""What migrator's sessions do to the sessions of the application, as the server sees it."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

import psycopg

INTERVAL = 0.02

# Concurrent builds and validations scan a whole table, under locks that neither reads nor writes notice.
_TRANSACTIONS = """
    SELECT extract(epoch FROM clock_timestamp() - xact_start)::float8, application_name || ': ' || query
    FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE %(who)s AND xact_start IS NOT NULL
      AND query NOT LIKE '%%CONCURRENTLY%%' AND query NOT LIKE '%%VALIDATE CONSTRAINT%%'
"""
_WAITS = """
    SELECT extract(epoch FROM clock_timestamp() - lock.waitstart)::float8,
           waiting.query || ' waits for ' || ours.application_name || ': ' || ours.query
    FROM pg_locks AS lock JOIN pg_stat_activity AS waiting USING (pid)
    JOIN pg_stat_activity AS ours ON ours.pid = ANY (pg_blocking_pids(waiting.pid))
    WHERE NOT lock.granted AND lock.waitstart IS NOT NULL AND waiting.datname = current_database()
      AND waiting.application_name NOT LIKE %(who)s AND ours.application_name LIKE %(who)s
"""


class Interference:
    """Looks every 20 ms while its block runs. Sessions whose application name is like `who` count as migrator's.

    Attributes:
        longest_transaction: of a session of migrator, in seconds, with what it was doing.
        longest_wait: of a session of the application for one of migrator, in seconds, with who waited for what.
        looks: how often was looked.
    """

    def __init__(self, url: str, who: str = "migrator %") -> None:
        self._url = url
        self._who = {"who": who}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._error: Exception | None = None
        self.longest_transaction = (0.0, "")
        self.longest_wait = (0.0, "")
        self.looks = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        if self._error and error is None:
            raise self._error

    def _watch(self) -> None:
        try:
            with psycopg.connect(self._url, autocommit=True, application_name="interference") as connection:
                while not self._over.wait(INTERVAL):
                    transactions = connection.execute(_TRANSACTIONS, self._who)
                    self.longest_transaction = max([self.longest_transaction, *transactions])
                    self.longest_wait = max([self.longest_wait, *connection.execute(_WAITS, self._who)])
                    self.looks += 1
        except psycopg.Error as error:
            self._error = error
