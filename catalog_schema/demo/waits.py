"""Watches how long requests of the application stand behind locks of migrator; does nothing about it."""

from threading import Event, Thread
from types import TracebackType
from typing import Self

import psycopg

INTERVAL = 0.025
"""Seconds between two looks: a wait that is shorter may go unseen."""

# Behind migrator stands also who waits for a request that waits for migrator.
_LONGEST = """
    WITH RECURSIVE waiting AS MATERIALIZED (
        SELECT a.pid, a.application_name, pg_blocking_pids(a.pid) AS blockers,
               extract(epoch FROM clock_timestamp() - l.waitstart)::float8 AS seconds
        FROM pg_locks l JOIN pg_stat_activity a USING (pid)
        WHERE NOT l.granted
    ), behind (pid, blocker) AS (
        SELECT pid, unnest(blockers) FROM waiting
        UNION
        SELECT behind.pid, unnest(waiting.blockers) FROM behind JOIN waiting ON waiting.pid = behind.blocker
    )
    SELECT max(coalesce(seconds, 0))
    FROM waiting
    WHERE application_name = 'catalog'
      AND EXISTS (SELECT FROM behind JOIN pg_stat_activity a ON a.pid = behind.blocker
                  WHERE behind.pid = waiting.pid AND a.application_name LIKE 'migrator %')
"""


class LockWaits:
    """Looks at the locks of the database at `url` again and again for the length of a `with` block.

    Attributes:
        longest: seconds of the longest wait seen, or None where none was.
    """

    def __init__(self, url: str) -> None:
        self.longest: float | None = None
        self._connection = psycopg.connect(url, autocommit=True, application_name="demo")
        self._finished = Event()
        self._thread = Thread(target=self._watch, name="demo-lock-waits", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._finished.set()
        self._thread.join()
        self._connection.close()

    def _watch(self) -> None:
        while not self._finished.wait(INTERVAL):
            row = self._connection.execute(_LONGEST).fetchone()
            if row and row[0] is not None:
                self.longest = max(row[0], self.longest or 0.0)
