"""Who works on which slice: takes slices under a lease, and cuts the largest in two for a worker that has none.

A slice that a lost worker held is free when its lease has run out, by the server's clock. There is no cutting in
advance: the first worker has the whole table, the second takes the upper half, the third a quarter, and whoever runs
out takes half of what is left of the largest. So no slice runs alone, whatever the number of workers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from migrator.backfill.keyset import Keyset
from migrator.backfill.passes import ONLY, Pass
from migrator.backfill.slices import LEASE, Slice
from migrator.postgres.queries import query

CANDIDATES = 3  # slices that are tried, the largest first: what is left in them is an estimate
SAMPLE_ROWS = 5_000  # of the whole table: some hundred pages, which takes some milliseconds whatever its size
RANGE_SAMPLE = 500  # of them, or of more, in the range that is cut
POSTPONED = timedelta(seconds=1)  # that rows which others hold locked are left alone, while there are others to do
FEWEST = 9  # rows in a sample whose middle says something

_SAMPLE = sql.SQL("""
WITH migrator_sample AS MATERIALIZED (
    SELECT {written} AS key, row_number() OVER (ORDER BY {order}) AS place, count(*) OVER () AS size
    FROM {table} AS {alias} TABLESAMPLE SYSTEM (%(percent)s) WHERE {range}
)
SELECT key FROM migrator_sample WHERE place = (size + 1) / 2 AND size >= %(fewest)s
""")
_NTH = sql.SQL("SELECT {written} FROM {table} AS {alias} WHERE {range} ORDER BY {order} OFFSET %(rows)s LIMIT 1")
_ANY = sql.SQL("SELECT EXISTS (SELECT FROM {table} AS {alias} WHERE {range})")


@dataclass(frozen=True, slots=True)
class Leases:
    """The slices of one purpose of one step, as one worker sees them over its own connection."""

    connection: psycopg.Connection
    keyset: Keyset
    step: int
    purpose: str
    worker: str
    attempt: int | None = None
    """Of the step, where the worker is not of the process that leads it: outdated, it is given no slice."""

    def take(self) -> Slice | None:
        """Return a slice that nobody works on, now leased to this worker; None where there is none."""
        with self.connection.transaction():
            return self._one("slice_take", step=self.step, purpose=self.purpose) if self._hold_step() else None

    def renew(self, held: Slice) -> bool:
        """Keep `held` for another lease; False where another worker has it by now."""
        return self._execute("slice_renew", slice=held.id, token=held.token).fetchone() is not None

    def give_back(self, held: Slice) -> None:
        """Let others take `held`, if it is still this worker's."""
        self._execute("slice_give_back", slice=held.id, token=held.token)

    def put_off(self, held: Slice, rows: int, at: Pass = ONLY) -> Slice | None:
        """Leave the next `rows` rows of a pass over `held` for later and return what is behind them, leased as `held`.

        None where there is nothing behind them; then `held` is still this worker's.
        """
        now = self._one("slice_now", slice=held.id, token=held.token)
        if now is None:
            return None
        limit = now.cursors[at.number - 1] if at.number else now.upper_key
        after = now.cursors[at.number] or now.lower_key
        middle = self._key(_NTH, after, limit, at, rows=max(rows - 1, 0)) or (limit if at.number else None)
        behind = self.cut_at(now, middle, at) if middle else None
        if behind:
            self._execute("slice_postpone", slice=held.id, token=held.token, pause=POSTPONED)
        return behind

    def postponed(self) -> bool:
        """Tell whether rows were left for later that nobody has taken up yet."""
        row = self._execute("slices_postponed", step=self.step, purpose=self.purpose).fetchone()
        return bool(row and row[0])

    def cut(self, least: int) -> Slice | None:
        """Cut the largest slice that is worked on, and return its upper part, leased to this worker.

        None where no slice has two parts of `least` rows left.
        """
        found = self._execute("slices_to_cut", step=self.step, purpose=self.purpose, most=CANDIDATES).fetchall()
        for one in (Slice(*row) for row in found):
            middle = self._middle(one, least)
            if middle is not None and (taken := self.cut_at(one, middle)):
                return taken
        return None

    def cut_at(self, one: Slice, middle: Any, at: Pass = ONLY) -> Slice | None:
        """Cut `one` behind the key `middle`; None where its worker has come there meanwhile.

        Where a pass `at` it is this worker's own, the passes before it are behind `middle` already.
        """
        with self.connection.transaction():
            if not self._hold_step():
                return None
            now = self._one("slice_hold", slice=one.id, upper=Jsonb(one.upper_key))
            if now is None or middle == now.upper_key or not (at.number or self._any_between(now.front, middle)):
                return None
            return self._one(
                "slice_cut",
                slice=now.id,
                middle=Jsonb(middle),
                upper=Jsonb(now.upper_key),
                ahead=Jsonb([middle] * at.number + now.ahead[at.number :]),
                behind=Jsonb(now.ahead[: at.number] + [None] * (len(now.ahead) - at.number)),
            )

    def key_behind(self, one: Slice, rows: int) -> Any:
        """Return the key that has `rows` keys of `one` before it, from its front on; None where there are fewer."""
        return self._key(_NTH, one.front, one.upper_key, rows=rows)

    def _hold_step(self) -> bool:
        """Let no one else take or cut a slice until the transaction ends; False where this attempt is over."""
        return self._execute("step_hold", step=self.step, attempt=self.attempt).fetchone() is not None

    def _middle(self, one: Slice, least: int) -> Any:
        if self.key_behind(one, 2 * least) is None:
            return None
        table = max(self.keyset.table.estimated_rows or 0, 1)
        left = max(one.rows_total - one.rows_done, 1)
        percent = min(100.0, 100 * max(SAMPLE_ROWS, RANGE_SAMPLE * table / left) / table)
        found = self._key(_SAMPLE, one.front, one.upper_key, percent=percent, fewest=FEWEST)
        return self.key_behind(one, least) if found is None else found

    def _key(self, statement: sql.SQL, after: Any, upto: Any, at: Pass = ONLY, **parameters: object) -> Any:
        row = self._ask(statement, after, upto, at, **parameters)
        return row[0] if row else None

    def _any_between(self, after: Any, upto: Any) -> bool:
        row = self._ask(_ANY, after, upto)
        return bool(row and row[0])

    def _ask(self, statement: sql.SQL, after: Any, upto: Any, at: Pass = ONLY, **parameters: object) -> Any:
        keyset = self.keyset
        first = None if after is None else keyset.read(sql.SQL("SELECT %(after)s::jsonb"))
        composed = statement.format(
            written=keyset.written(),
            order=keyset.ordered(),
            table=keyset.table.named,
            alias=keyset.table.alias,
            range=at.of_rows(keyset, keyset.between(first, keyset.read(sql.SQL("SELECT %(upto)s::jsonb")))),
        )
        return self.connection.execute(composed, {"after": Jsonb(after), "upto": Jsonb(upto), **parameters}).fetchone()

    def _one(self, name: str, **parameters: object) -> Slice | None:
        row = self._execute(name, **parameters).fetchone()
        return Slice(*row) if row else None

    def _execute(self, name: str, **parameters: object) -> psycopg.Cursor[Any]:
        return self.connection.execute(query(name), {"worker": self.worker, "lease": LEASE, **parameters})
