"""The passes in which a slice is walked: each writes a share of every page's rows, and so makes room for the next.

A new row version goes into the page of the old one, and leaves every index alone (HOT, `heap/README.HOT`), where the
page has room. A full page has none: whoever writes its rows in one go moves them all and touches every index for each.
But once the transaction of the first pass is over, the versions that it left behind are room for those of the second,
and so on. `benchmarks/results/backfill.md` has what that is worth.

Which pass a row belongs to follows from its key, so it is the same whenever it is asked. The passes follow each other
chunk by chunk, while the pages are at hand: each has a cursor, and does not overtake the one before it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from migrator.backfill.keyset import Keyset
from migrator.backfill.move import Move
from migrator.backfill.pages import Pages
from migrator.postgres.queries import query

PASSES = 3  # as measured: with two the table grows more, four are no faster
PAGES = 1000  # of a table that is worth it
INTEGERS = ("smallint", "integer", "bigint")
RANGE = 2**31


@dataclass(frozen=True, slots=True)
class Pass:
    """One of `of` passes over a slice."""

    number: int = 0
    of: int = 1

    def of_rows(self, keyset: Keyset, condition: sql.Composable) -> sql.Composable:
        """Return the condition for those of some rows that it writes."""
        if self.of == 1:
            return condition
        return sql.SQL("{} AND {} = {}").format(condition, _number(keyset, self.of), sql.Literal(self.number))

    @property
    def cursor(self) -> sql.Composable:
        """How far it has come, over a row of the ledger's slices; null where it has not begun."""
        if self.is_last:
            return sql.SQL("cursor")
        return sql.SQL("nullif(ahead -> {}, 'null'::jsonb)").format(sql.Literal(self.number))

    @property
    def limit(self) -> sql.Composable:
        """How far it may come, over a row of the ledger's slices."""
        return Pass(self.number - 1, self.of).cursor if self.number else sql.SQL("upper_key")

    @property
    def advance(self) -> sql.Composable:
        """The assignment that moves it to the cursor of `c`, over a row `s` of the ledger's slices."""
        if self.is_last:
            return sql.SQL("cursor = c.cursor")
        return sql.SQL("ahead = jsonb_set(s.ahead, {}, c.cursor)").format(sql.Literal(f"{{{self.number}}}"))

    def shares(self, keyset: Keyset, condition: sql.Composable) -> sql.Composable:
        """Return the expression for how many of some rows each of the passes behind it has, as a JSON list."""
        if self.number or self.of == 1:
            return sql.SQL("NULL::jsonb")
        behind = sql.SQL(", ").join(
            sql.SQL("count(*) FILTER (WHERE {} = {})").format(_number(keyset, self.of), sql.Literal(number))
            for number in range(1, self.of)
        )
        return sql.SQL("(SELECT jsonb_build_array({}) FROM {} AS {} WHERE {})").format(
            behind, keyset.table.named, keyset.table.alias, condition
        )

    @property
    def is_last(self) -> bool:
        return self.number == self.of - 1


ONLY = Pass()
"""That of a slice which is walked in one."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chunk begins and ends: behind the cursor of its pass, or at the `first` row where there is no key before.

    With `upto` it goes to that key, up to which the pass is known to have as many rows as the chunk is to have.
    """

    first: bool
    at: Pass = ONLY
    upto: Any = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Keys that a pass has before it, ``after < key <= upto``, and how many rows of its own."""

    after: Any
    upto: Any
    rows: int


class Course:
    """Where the passes over a slice stand, as the worker that holds it knows, and whose turn it is.

    A pass keeps a chunk away from the one before it: what that has just left behind is no room yet for as long as a
    transaction lasts that began before it was over, such as another worker's chunk.
    """

    def __init__(self, lower: Any, cursors: Sequence[Any]) -> None:
        self._lower = lower
        self._cursors = list(cursors)
        self._ended = False
        self._turn = 0
        self._before: list[deque[Stretch]] = [deque() for _ in cursors]

    def place(self, upto: Any = None) -> Place:
        """Return where the next chunk of the pass is."""
        first = self._cursors[self._turn] is None and self._lower is None
        return Place(first, Pass(self._turn, len(self._cursors)), upto)

    def go_on(self) -> None:
        """Settle whose turn it is: of a pass that is far enough behind the one before it, or else of the first."""
        self._turn = next((number for number in range(1, len(self._cursors)) if self._is_due(number)), 0)

    def _is_due(self, number: int) -> bool:
        leader = self._cursors[number - 1]
        if self._cursors[number] == leader:
            return False
        known = self._known(number)
        return self._ended or known is None or known.upto != leader

    def _known(self, number: int) -> Stretch | None:
        before = self._before[number]
        while before and before[0].after != self._cursors[number]:
            before.popleft()
        return before[0] if before else None

    def take_stretch(self, most: int) -> Stretch | None:
        """Return what the pass has up to where a chunk of the first one ended, if that is known; once.

        Where chunks of the first one were small, it is that of several, of `most` rows in all.
        """
        known, before = self._known(self._turn), self._before[self._turn]
        if known:
            before.popleft()
        while known and before and before[0].after == known.upto and known.rows + before[0].rows <= most:
            further = before.popleft()
            known = Stretch(known.after, further.upto, known.rows + further.rows)
        return known

    def moved(self, cursor: Any, shares: list[int] | None, *, ended: bool) -> None:
        """Take in that the pass has come to `cursor`, and the `shares` of those behind it in what it has walked."""
        for number, rows in enumerate(shares or [], 1):
            self._before[number].append(Stretch(self._cursors[0], cursor, rows))
        self._ended = self._ended or (ended and self._turn == 0)
        self._cursors[self._turn] = cursor


def passes_for(connection: psycopg.Connection, keyset: Keyset, move: Move) -> int:
    """Return in how many passes a table is to be walked: several where they are of use.

    That is where a row's new version can be HOT, because no index is on what is written; where rows of neighbouring
    keys share pages, as the statistics have it; and where there are many pages, and several rows to each.
    """
    if isinstance(keyset, Pages) or not move.in_place:
        return 1
    asked = {"oid": keyset.table.oid, "key": keyset.key[0].name, "written": list(move.writes), "pages": PAGES}
    row = connection.execute(query("is_for_passes"), asked).fetchone()
    if not row or not row[0]:
        return 1
    probe = sql.SQL("SELECT {} FROM {} AS {} LIMIT 1").format(
        _number(keyset, PASSES), keyset.table.named, keyset.table.alias
    )
    try:
        with connection.transaction():
            connection.execute(probe, ())
    except psycopg.errors.UndefinedFunction:  # a type that cannot be hashed
        return 1
    return PASSES


def _number(keyset: Keyset, of: int) -> sql.Composable:
    if [column.type in INTEGERS for column in keyset.key] == [True]:
        hashed = sql.SQL("hashint8extended({}, 0)").format(keyset.columns[0])
    else:
        hashed = sql.SQL("hash_record_extended(ROW({}), 0)").format(sql.SQL(", ").join(keyset.columns))
    return sql.SQL("({} & {}) * {} / {}").format(hashed, sql.Literal(RANGE - 1), sql.Literal(of), sql.Literal(RANGE))
