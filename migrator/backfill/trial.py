"""Does a move to a few rows in several places of a table, looks what came of it, and takes it back."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from migrator.backfill.failures import is_of_a_row, message_of, shown
from migrator.backfill.keyset import KeyRange, Keyset
from migrator.backfill.move import Move
from migrator.backfill.moves.function import Function
from migrator.backfill.worker import RETRIED

PLACES = 10
SAMPLE_ROWS = 5_000  # of the whole table, from which the places are drawn: some hundred pages whatever its size
EXAMPLES = 5
PAGE = 8192  # bytes
_STARTS = sql.SQL("SELECT {} FROM {} AS {} TABLESAMPLE SYSTEM ({}) ORDER BY random() LIMIT {}")
_BOUND = sql.SQL("SELECT {bound} FROM (SELECT {after}::jsonb AS cursor, {upper}::jsonb AS upper_key) AS migrator_slice")
_RUN = sql.SQL("EXPLAIN (ANALYZE, WAL, TIMING OFF, SUMMARY ON, FORMAT JSON) ")
_UPDATED = "SELECT pg_stat_get_xact_tuples_updated(%(oid)s), pg_stat_get_xact_tuples_hot_updated(%(oid)s)"


@dataclass(frozen=True, slots=True)
class Example:
    """What a move makes of one row; `before` is None for a row that is new, `after` for one that is gone."""

    key: str
    before: Any
    after: Any


@dataclass(slots=True)
class Trial:
    """What came of the rows that were tried.

    Attributes:
        places: how many stretches of the table they are from; `locked` of them were left out because of a lock.
        walked, written: rows that were looked at, and rows that the move wrote.
        refused: rows that the database refused, by key with the error.
        seconds, wal: what it took, statement time and time in functions, and bytes of WAL without full pages.
        full_pages: bytes of full pages in WAL, which each page costs once after a checkpoint.
        row_bytes: size of the row versions that were made, or of the rows that are gone.
        updated, hot: updates, and those of them that left the indexes alone.
    """

    places: int = 0
    locked: int = 0
    walked: int = 0
    written: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    wal: int = 0
    full_pages: int = 0
    row_bytes: int = 0
    updated: int = 0
    hot: int = 0
    examples: list[Example] = field(default_factory=list)


def try_move(connection: psycopg.Connection, keyset: Keyset, move: Move, sample: int) -> Trial:
    """Do `move` to about `sample` rows in transactions that are rolled back.

    Raises:
        psycopg.Error: what is wrong with the move as such, or with the server.
        BadFunctionError
    """
    trial = Trial()
    row = connection.execute(keyset.largest(), ()).fetchone()
    if row is None:
        return trial
    upper = row[0]
    starts = [start for start in _starts(connection, keyset, sample) if start != upper] or [None]
    for after in starts:
        with connection.transaction(force_rollback=True):
            within = _stretch(connection, keyset, after, upper, max(sample // len(starts), 1))
            try:
                with connection.transaction():
                    _Stretch(connection, keyset, move, within, trial).do()
            except RETRIED:
                trial.locked += 1
            else:
                trial.places += 1
    return trial


def _starts(connection: psycopg.Connection, keyset: Keyset, sample: int) -> Iterator[Any]:
    """Yield the keys behind which to try; None for the beginning of the table, where it is small."""
    rows = keyset.table.estimated_rows
    if not rows or rows <= 2 * sample:
        yield None
        return
    table, percent = keyset.table, sql.Literal(min(100.0, 100 * SAMPLE_ROWS / rows))
    query = _STARTS.format(keyset.written(), table.named, table.alias, percent, sql.Literal(min(PLACES, sample)))
    found = [key for (key,) in connection.execute(query, ())]
    yield from found


def _stretch(connection: psycopg.Connection, keyset: Keyset, after: Any, upper: Any, rows: int) -> KeyRange:
    begin = None if after is None else keyset.read(_key(after))
    rest = keyset.between(begin, keyset.read(_key(upper)))
    query = _BOUND.format(bound=keyset.bound(rest), after=_text(after), upper=_text(upper))
    (reached,) = connection.execute(query, {"rows": rows}).fetchone() or (None,)
    return keyset.range(begin, keyset.read(_key(reached or upper)))


def _text(key: Any) -> sql.SQL:
    # A cast would make a JSON null of a key that is not there.
    return sql.SQL("NULL" if key is None else sql.Literal(json.dumps(key)).as_string().replace("%", "%%"))


def _key(key: Any) -> sql.Composed:
    return sql.SQL("SELECT {}::jsonb").format(_text(key))


@dataclass(frozen=True, slots=True)
class _Stretch:
    connection: psycopg.Connection
    keyset: Keyset
    move: Move
    within: KeyRange
    trial: Trial

    def do(self) -> None:
        table = self.move.table
        count = sql.SQL("SELECT count(*) FROM {} AS {} WHERE {}").format(
            table.named, table.alias, self.within.condition
        )
        (walked,) = self.connection.execute(count, ()).fetchone() or (0,)
        before, updated = self._look(self.move.condition(self.within)), self._updates()
        try:
            with self.connection.transaction():
                self._run(self.within)
        except psycopg.Error as error:
            if not is_of_a_row(error):
                raise
            self._run_singly(before)
        self.trial.walked += walked
        after = self._look(self.within.condition)
        now = self._updates()
        self.trial.updated += now[0] - updated[0]
        self.trial.hot += now[1] - updated[1]
        self._compare(before, after)

    def _run(self, within: KeyRange) -> None:
        parameters: Mapping[str, Any] = {}
        if isinstance(self.move, Function):
            rows = sql.Composed([self.move.rows(within, self.keyset.written())])
            found, started = self.connection.execute(rows, ()).fetchall(), time.monotonic()
            parameters = self.move.values(self.connection, found).parameters()
            self.trial.seconds += time.monotonic() - started
        ((plan,),) = self.connection.execute(_RUN + self.move.statement(within), parameters).fetchone() or ((None,),)
        self.trial.written += int(plan["Plan"]["Actual Rows"])
        full_pages = PAGE * int(plan["Plan"].get("WAL FPI", 0))
        self.trial.wal += max(int(plan["Plan"].get("WAL Bytes", 0)) - full_pages, 0)
        self.trial.full_pages += full_pages
        self.trial.seconds += plan["Execution Time"] / 1000

    def _run_singly(self, rows: Mapping[str, tuple[Any, int]]) -> None:
        for key in rows:
            try:
                with self.connection.transaction():
                    self._run(self.keyset.one(self.keyset.read(_key(json.loads(key)))))
            except psycopg.Error as error:
                if not is_of_a_row(error):
                    raise
                self.trial.refused[shown(tuple(json.loads(key)))] = message_of(error)

    def _look(self, condition: sql.Composable) -> dict[str, tuple[Any, int]]:
        """Return what is shown of the rows that fulfil `condition`, and their size, by key."""
        table = self.move.table
        query = sql.SQL("SELECT {}::text, {}, {} FROM {} AS {} WHERE {} ORDER BY {}").format(
            self.keyset.written(),
            self.move.shown(),
            self.move.size(),
            table.named,
            table.alias,
            condition,
            self.keyset.ordered(),
        )
        return {key: (row, size) for key, row, size in self.connection.execute(query, ())}

    def _updates(self) -> tuple[int, int]:
        found = self.connection.execute(_UPDATED, {"oid": self.move.table.oid}).fetchone()
        return found or (0, 0)

    def _compare(self, before: Mapping[str, tuple[Any, int]], after: Mapping[str, tuple[Any, int]]) -> None:
        for key, (was, size) in before.items():
            called = shown(tuple(json.loads(key)))
            is_now = after.get(key, (None, size))
            if called in self.trial.refused:
                continue
            self.trial.row_bytes += is_now[1]
            one = Example(called, None if self.move.adds else was, is_now[0])
            if len(self.trial.examples) < EXAMPLES and (self.move.adds or one.before != one.after):
                self.trial.examples.append(one)
