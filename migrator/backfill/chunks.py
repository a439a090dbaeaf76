"""How the chunks of a move are done: by one statement, or with a function of Python between reading and writing."""

from __future__ import annotations

from typing import Any, Protocol

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from migrator.backfill.chunk import ChunkResult, ChunkStatement, compose, jsonb
from migrator.backfill.failures import FailedRow, retry
from migrator.backfill.keyset import Keyset
from migrator.backfill.move import Move
from migrator.backfill.moves.function import Function
from migrator.backfill.passes import ONLY, Place
from migrator.backfill.slices import LEASE, Slice

# What the chunk statement finds out for itself has to be known before here. It is looked at again when the rows are
# written, so nothing is locked while the function works.
_LOOK = sql.SQL("""
WITH migrator_slice AS MATERIALIZED (
    SELECT coalesce(cursor, lower_key) AS cursor, upper_key FROM migrator.slices
    WHERE id = %(slice)s AND token = %(token)s AND NOT done AND (coalesce(cursor, lower_key) IS NULL) = {first}
)
SELECT cursor, upper_key, {bound} FROM migrator_slice
""")
_UNMOVED = sql.SQL(
    "coalesce(cursor, lower_key) IS NOT DISTINCT FROM %(cursor)s::jsonb AND upper_key = %(upper)s::jsonb"
)


class Chunks(Protocol):
    """Does the chunks of one move."""

    def run(
        self, connection: psycopg.Connection, held: Slice, rows: int, place: Place, **further: Any
    ) -> ChunkResult | None:
        """Commit the next chunk of at most `rows` rows; None when the slice is not `held` any more."""

    def explain(self, connection: psycopg.Connection) -> None:
        """Let the server plan a chunk; raises what is wrong with it."""

    def retry(self, connection: psycopg.Connection, failed: FailedRow) -> None:
        """Write a row that was set aside and forget its failure."""


def chunks_of(keyset: Keyset, move: Move) -> Chunks:
    """Return what does the chunks of `move` on the table of `keyset`."""
    return FunctionChunks(keyset, move) if isinstance(move, Function) else StatementChunks(keyset, move)


class StatementChunks(ChunkStatement):
    """One statement per chunk."""

    def __init__(self, keyset: Keyset, move: Move) -> None:
        super().__init__(keyset, move)
        self._move = move

    def retry(self, connection: psycopg.Connection, failed: FailedRow) -> None:
        """Write a row that was set aside and forget its failure, in one transaction."""
        retry(connection, self._keyset, self._move, failed)


class FunctionChunks:
    """Reads the rows of a chunk, lets the function make new values, and writes these with the cursor.

    A row that somebody has changed in between fails the chunk as a lock would: it is done again, smaller.
    """

    def __init__(self, keyset: Keyset, move: Function) -> None:
        self._keyset, self._move = keyset, move

    def run(
        self, connection: psycopg.Connection, held: Slice, rows: int, place: Place, **further: Any
    ) -> ChunkResult | None:
        assert place.at == ONLY
        lease = {"slice": held.id, "token": held.token, "rows": rows, "upto": None, "lease": LEASE, **further}
        found = connection.execute(self._look(first=place.first), lease).fetchone()
        if found is None:
            return None
        cursor, upper, reached = found
        values = self._move.values(connection, self._rows(connection, cursor, reached or upper))
        bounds = {"cursor": jsonb(cursor), "upper": Jsonb(upper), "reached": jsonb(reached)}
        with connection.transaction():
            row = connection.execute(
                self._write(first=place.first), {**lease, **bounds, **values.parameters()}
            ).fetchone()
            result = ChunkResult(*row) if row else None
            if result:
                _require_all(result.changed, len(values.keys))
        return result

    def explain(self, connection: psycopg.Connection) -> None:
        nothing = self._move.values(connection, []).parameters()
        lease = {"slice": 0, "token": 0, "rows": 1, "upto": None, "lease": LEASE}
        bounds = {"cursor": None, "upper": Jsonb([]), "reached": None}
        connection.execute(sql.SQL("EXPLAIN ") + self._write(first=False), {**lease, **bounds, **nothing})
        key = Jsonb([None] * len(self._keyset.key))
        connection.execute(sql.SQL("EXPLAIN ") + self._read(first=False), {"after": key, "upto": key})

    def retry(self, connection: psycopg.Connection, failed: FailedRow) -> None:
        one = self._keyset.one(self._keyset.read(sql.SQL("SELECT %(key)s::jsonb")))
        query = sql.Composed([self._move.rows(one, self._keyset.written())])
        values = self._move.values(connection, connection.execute(query, {"key": Jsonb(failed.key)}).fetchall())
        with connection.transaction():
            _require_all(retry(connection, self._keyset, self._move, failed, **values.parameters()), len(values.keys))

    def _rows(self, connection: psycopg.Connection, after: Any, upto: Any) -> list[tuple[Any, ...]]:
        query = self._read(first=after is None)
        return connection.execute(query, {"after": jsonb(after), "upto": Jsonb(upto)}).fetchall()

    def _look(self, *, first: bool) -> sql.Composed:
        after = None if first else self._keyset.read(sql.SQL("SELECT cursor FROM migrator_slice"))
        rest = self._keyset.between(after, self._keyset.read(sql.SQL("SELECT upper_key FROM migrator_slice")))
        return _LOOK.format(first=sql.SQL("true" if first else "false"), bound=self._keyset.bound(rest))

    def _read(self, *, first: bool) -> sql.Composed:
        after = None if first else self._keyset.read(sql.SQL("SELECT %(after)s::jsonb"))
        within = self._keyset.range(after, self._keyset.read(sql.SQL("SELECT %(upto)s::jsonb")))
        query = self._move.rows(within, self._keyset.written())
        return sql.SQL("{} ORDER BY {}").format(query, self._keyset.ordered())

    def _write(self, *, first: bool) -> sql.Composed:
        known = sql.SQL("%(reached)s::jsonb")
        return compose(self._keyset, self._move, first=first, bound=known, condition=_UNMOVED)


def _require_all(written: int, wanted: int) -> None:
    if written != wanted:
        raise psycopg.errors.SerializationFailure("rows were changed while the function made new values of them")
