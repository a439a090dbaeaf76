"""One chunk: move the next rows of a slice and its cursor, in one statement, one transaction, one round trip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from migrator.backfill.failures import SetAside
from migrator.backfill.keyset import Keyset
from migrator.backfill.move import Move
from migrator.backfill.slices import LEASE, Slice

# The statement reads the cursor from the ledger itself, under a row lock, and moves it. So a client that died and one
# that has just taken over cannot do the same rows: the second waits for the lock and then sees where the first came to.
# When `migrator_bound` finds fewer rows than a chunk, it is the last: it goes up to the slice's upper key.
_CHUNK = sql.SQL("""
WITH migrator_slice AS MATERIALIZED (
    SELECT coalesce(cursor, lower_key) AS cursor, upper_key FROM migrator.slices
    WHERE id = %(slice)s AND token = %(token)s AND NOT done AND (coalesce(cursor, lower_key) IS NULL) = {first}
      AND {condition}
    FOR UPDATE
), migrator_bound AS MATERIALIZED (
    SELECT {bound} AS reached, upper_key FROM migrator_slice
), {move}, migrator_counted AS MATERIALIZED (
    SELECT {counted} AS rows, {changed} AS changed,
           coalesce(reached, upper_key) AS cursor, reached IS NULL AS done FROM migrator_bound
)
UPDATE migrator.slices s
SET cursor = c.cursor, done = c.done, rows_done = s.rows_done + c.rows, rows_changed = s.rows_changed + c.changed,
    chunks = s.chunks + 1, updated_at = clock_timestamp(), lease_until = clock_timestamp() + %(lease)s
FROM migrator_counted c WHERE s.id = %(slice)s
RETURNING c.rows, c.changed, s.done
""")


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """What one chunk did: rows walked, rows written, and whether the slice is finished with it."""

    rows: int
    changed: int
    done: bool


class ChunkStatement:
    """The statements that walk one slice of `keyset`'s table: one for its first chunk, one for those behind it."""

    def __init__(self, keyset: Keyset, move: Move) -> None:
        self._keyset = keyset
        self._first = compose(keyset, move, first=True)
        self._next = compose(keyset, move, first=False)

    def run(
        self, connection: psycopg.Connection, held: Slice, rows: int, *, first: bool, **further: Any
    ) -> ChunkResult | None:
        """Commit one chunk of at most `rows` rows, which renews the lease.

        `further` are parameters of the move. None when the slice is not `held` any more, or its cursor is not where the
        caller thinks it is.
        """
        parameters: dict[str, Any] = {"slice": held.id, "token": held.token, "rows": rows, "lease": LEASE, **further}
        row = connection.execute(self._first if first else self._next, parameters).fetchone()
        if row is None:
            self._keyset.require_valid(connection, held.upper_key)
            return None
        return ChunkResult(*row)

    def explain(self, connection: psycopg.Connection) -> None:
        """Let the server parse and plan a chunk without running it; raises what is wrong with it."""
        connection.execute(sql.SQL("EXPLAIN ") + self._next, {"slice": 0, "token": 0, "rows": 1, "lease": LEASE})


def compose(
    keyset: Keyset,
    move: Move,
    *,
    first: bool,
    bound: sql.Composable | None = None,
    condition: sql.Composable | None = None,
) -> sql.Composed:
    """Return the statement of a chunk: of the first of a slice without a lower key, or of one behind a key.

    `bound` is the last key of the chunk where it is known before, `condition` what else must hold for the slice.
    """
    after = None if first else keyset.read(sql.SQL("SELECT cursor FROM migrator_slice"))
    reached = keyset.read(sql.SQL("SELECT coalesce(reached, upper_key) FROM migrator_bound"))
    rest = keyset.between(after, keyset.read(sql.SQL("SELECT upper_key FROM migrator_slice")))
    within = keyset.range(after, reached)
    return _CHUNK.format(
        first=sql.SQL("true" if first else "false"),
        condition=condition or keyset.condition(),
        bound=bound or keyset.bound(rest),
        counted=keyset.counted(within.condition, rest),
        changed=sql.SQL("0" if isinstance(move, SetAside) else "(SELECT count(*) FROM migrator_moved)"),
        move=move.parts(within),
    )
