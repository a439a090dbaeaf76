"""The reader flags in the database, and the shape that follows from them; remembered for a moment."""

from __future__ import annotations

import time
from threading import Lock

from sqlalchemy import Engine, text
from sqlalchemy.dialects.postgresql import insert

from catalog_service.observability.statements import HOUSEKEEPING
from catalog_service.repositories.own_tables import readers
from catalog_service.repositories.shape import MOVES, Mode, Shape, settle

_COLUMNS = text("""
    SELECT a.attrelid::regclass::text || '.' || a.attname
    FROM pg_attribute a
    WHERE a.attrelid IN (to_regclass('products'), to_regclass('product_descriptions'))
      AND a.attnum > 0 AND NOT a.attisdropped
""")
_LASTS = 1.0


class Flags:
    """Says in which shape to work; asks the primary again after a second, or when told that it was wrong."""

    def __init__(self, primary: Engine) -> None:
        self._primary = primary
        self._lock = Lock()
        self._looked = float("-inf")
        self._shape: Shape | None = None

    def shape(self) -> Shape:
        """Return the shape, as it was at most a moment ago."""
        shape = self._shape
        if shape is not None and time.monotonic() - self._looked < _LASTS:
            return shape
        if shape is not None and not self._lock.acquire(blocking=False):
            return shape  # somebody is looking already
        if shape is None:
            self._lock.acquire()
        try:
            self._shape = self._look()
            self._looked = time.monotonic()
            return self._shape
        finally:
            self._lock.release()

    def look_again(self) -> Shape:
        """Return the shape as it is now."""
        with self._lock:
            self._shape = self._look()
            self._looked = time.monotonic()
            return self._shape

    def wanted(self) -> dict[str, Mode]:
        """Return the flag of every move."""
        with self._primary.connect().execution_options(**HOUSEKEEPING) as connection:
            found = {row.move: row.mode for row in connection.execute(readers.select())}
        return {name: found.get(name, "old") for name in MOVES}

    def switch(self, move: str, mode: Mode) -> None:
        """Set a flag; every process follows within a moment."""
        statement = insert(readers).values(move=move, mode=mode)
        statement = statement.on_conflict_do_update(index_elements=["move"], set_={"mode": mode})
        with self._primary.begin() as connection:
            connection.execute(statement)
        self.look_again()

    def _look(self) -> Shape:
        with self._primary.connect().execution_options(**HOUSEKEEPING) as connection:
            wanted = {row.move: row.mode for row in connection.execute(readers.select())}
            return settle(wanted, frozenset(connection.execute(_COLUMNS).scalars()))
