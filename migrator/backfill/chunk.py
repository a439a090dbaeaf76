"""One chunk: move the next rows of a slice and its cursor, in one statement, one transaction, one round trip."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from migrator.backfill.failures import SetAside
from migrator.backfill.keyset import Keyset
from migrator.backfill.move import Move
from migrator.backfill.passes import ONLY, Pass, Place
from migrator.backfill.slices import LEASE, Slice

# The statement reads the cursor from the ledger itself, under a row lock, and moves it. So a client that died and one
# that has just taken over cannot do the same rows: the second waits for the lock and then sees where the first came to.
# When `migrator_bound` finds fewer rows than a chunk, it is the last: it goes up to the slice's upper key.
_CHUNK = sql.SQL("""
WITH migrator_slice AS MATERIALIZED (
    SELECT coalesce({cursor}, lower_key) AS cursor, {limit} AS upper_key FROM migrator.slices
    WHERE id = %(slice)s AND token = %(token)s AND NOT done AND (coalesce({cursor}, lower_key) IS NULL) = {first}
      AND {condition}
    FOR UPDATE
), migrator_bound AS MATERIALIZED (
    SELECT CASE WHEN %(upto)s::jsonb IS NULL THEN {bound} ELSE %(upto)s END AS reached, upper_key FROM migrator_slice
), migrator_shares AS MATERIALIZED (
    SELECT reached, upper_key, {shares} AS shares FROM migrator_bound
), {move}, migrator_counted AS MATERIALIZED (
    SELECT CASE WHEN %(upto)s::jsonb IS NULL THEN {counted} ELSE %(rows)s END AS rows, {changed} AS changed, shares,
           coalesce(reached, upper_key) AS cursor FROM migrator_shares
)
UPDATE migrator.slices s
SET {advance}, done = {last} AND c.cursor = s.upper_key,
    rows_done = s.rows_done + c.rows, rows_changed = s.rows_changed + c.changed,
    chunks = s.chunks + 1, updated_at = clock_timestamp(), lease_until = clock_timestamp() + %(lease)s
FROM migrator_counted c WHERE s.id = %(slice)s
RETURNING c.rows, c.changed, s.done, c.cursor, c.cursor = s.upper_key, c.shares
""")


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """What one chunk did: rows walked, rows written, and whether the slice is finished with it.

    `cursor` is where its pass stands now, which has `ended` if that is the slice's upper key. A first pass has counted
    the `shares` of those behind it in what it walked.
    """

    rows: int
    changed: int
    done: bool
    cursor: Any = None
    ended: bool = False
    shares: list[int] | None = None


class ChunkStatement:
    """The statements that walk slices of `keyset`'s table: of each pass, one for a first chunk, one for the others."""

    def __init__(self, keyset: Keyset, move: Move) -> None:
        self._keyset = keyset
        self._statement = cache(lambda at, first: compose(keyset, move, first=first, at=at))

    def run(
        self, connection: psycopg.Connection, held: Slice, rows: int, place: Place, **further: Any
    ) -> ChunkResult | None:
        """Commit one chunk of at most `rows` rows, which renews the lease.

        `further` are parameters of the move. None when the slice is not `held` any more, or its cursor is not where the
        caller thinks it is.
        """
        lease = {"slice": held.id, "token": held.token, "lease": LEASE}
        parameters: dict[str, Any] = {**lease, "rows": rows, "upto": jsonb(place.upto), **further}
        row = connection.execute(self._statement(place.at, first=place.first), parameters).fetchone()
        if row is None:
            self._keyset.require_valid(connection, held.upper_key)
            return None
        return ChunkResult(*row)

    def explain(self, connection: psycopg.Connection) -> None:
        """Let the server parse and plan a chunk without running it; raises what is wrong with it."""
        nothing = {"slice": 0, "token": 0, "lease": LEASE, "rows": 1, "upto": None}
        connection.execute(sql.SQL("EXPLAIN ") + self._statement(ONLY, first=False), nothing)


def compose(
    keyset: Keyset,
    move: Move,
    *,
    first: bool,
    at: Pass = ONLY,
    bound: sql.Composable | None = None,
    condition: sql.Composable | None = None,
) -> sql.Composed:
    """Return the statement of a chunk of a pass: of the first of a slice without a lower key, or of one behind a key.

    `bound` is the last key of the chunk where it is known before, `condition` what else must hold for the slice.
    """
    after = None if first else keyset.read(sql.SQL("SELECT cursor FROM migrator_slice"))
    reached = keyset.read(_reached("migrator_shares"))
    rest = at.of_rows(keyset, keyset.between(after, keyset.read(sql.SQL("SELECT upper_key FROM migrator_slice"))))
    walked = keyset.range(after, reached)
    within = replace(walked, condition=at.of_rows(keyset, walked.condition))
    return _CHUNK.format(
        cursor=at.cursor,
        limit=at.limit,
        advance=at.advance,
        last=sql.SQL("true" if at.is_last else "false"),
        shares=at.shares(keyset, keyset.between(after, keyset.read(_reached("migrator_bound")))),
        first=sql.SQL("true" if first else "false"),
        condition=condition or keyset.condition(),
        bound=bound or keyset.bound(rest),
        counted=keyset.counted(within.condition, rest),
        changed=sql.SQL("0" if isinstance(move, SetAside) else "(SELECT count(*) FROM migrator_moved)"),
        move=move.parts(within),
    )


def _reached(where: LiteralString) -> sql.SQL:
    return sql.SQL("SELECT coalesce(reached, upper_key) FROM " + where)


def jsonb(value: Any) -> Jsonb | None:
    """Return a value as JSON, where there is one."""
    return None if value is None else Jsonb(value)
