"""Listens to an engine: counts and times statements, names the request in a comment, keeps the slow ones."""

from __future__ import annotations

import itertools
import json
import time
from typing import Any

from sqlalchemy import Connection, Engine, event

from catalog_service.observability.activity import current
from catalog_service.observability.logging import logger

HOUSEKEEPING = {"catalog_housekeeping": True}
"""Execution option of statements that no request asked for; they are not counted as its own."""


class StatementWatch:
    """What is done with every statement of the engines that it listens to."""

    def __init__(self, *, slow: float, sample: int, timings: bool) -> None:
        self._slow = slow
        self._sample = max(sample, 1)
        self._timings = timings
        self._slow_ones = itertools.count()

    def listen(self, engine: Engine) -> None:
        """Begin to listen."""
        event.listen(engine, "before_cursor_execute", self._before, retval=True)
        event.listen(engine, "after_cursor_execute", self._after)

    def _before(
        self, connection: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
    ) -> tuple[str, Any]:
        connection.info["catalog_started"] = time.perf_counter()
        if (activity := current()) is None or "catalog_housekeeping" in connection.get_execution_options():
            return statement, parameters
        activity.queries += 1
        return f"{statement} /* request_id={activity.request_id} */", parameters

    def _after(
        self, connection: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
    ) -> None:
        seconds = time.perf_counter() - connection.info.pop("catalog_started")
        if (activity := current()) is not None:
            activity.sql_seconds += seconds
        if self._timings:
            logger().info("statement", sql=statement, ms=round(seconds * 1000, 2))
        if seconds >= self._slow and not statement.startswith("EXPLAIN"):
            self._report(connection, statement, parameters, seconds)

    def _report(self, connection: Connection, statement: str, parameters: Any, seconds: float) -> None:
        plan = None
        if next(self._slow_ones) % self._sample == 0 and statement.lstrip().startswith("SELECT"):
            cursor = connection.connection.cursor()
            cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
            (plan,) = cursor.fetchone() or (None,)
            cursor.close()
        # Parameters may hold what customers wrote; the statement has placeholders in their place.
        logger().warning("slow statement", sql=statement, ms=round(seconds * 1000, 1), plan=plan and json.dumps(plan))
