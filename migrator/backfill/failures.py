"""Rows that the database refuses: which errors are a row's own, how such a row is set aside, how it is tried again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from migrator.backfill.keyset import KeyRange, Keyset
from migrator.backfill.move import Move
from migrator.postgres.queries import query

# By SQLSTATE class: cardinality, data, integrity, external routine (two), view check, PL/pgSQL raise, program limits.
OF_A_ROW = ("21", "22", "23", "38", "39", "44", "P0", "54")
SHOWN = 20

_RETRY = sql.SQL("""
WITH migrator_failed AS (
    DELETE FROM migrator.failed_rows WHERE id = %(id)s RETURNING key
), {move}
SELECT (SELECT count(*) FROM migrator_moved) FROM migrator_failed
""")


def is_of_a_row(error: BaseException) -> bool:
    """Tell whether `error` comes from the values of a row, so that the rows beside it may well pass."""
    return isinstance(error, psycopg.Error) and (error.sqlstate or "")[:2] in OF_A_ROW


@dataclass(frozen=True, slots=True)
class FailedRow:
    """A row that could not be written, as the ledger has it."""

    id: int
    key: tuple[str, ...]
    error: str

    def __str__(self) -> str:
        return f"{shown(self.key)}: {self.error}"


@dataclass(frozen=True, kw_only=True)
class SetAside(Move):
    """Notes the rows of its key range as failed instead of writing them."""

    keyset: Keyset

    def statement(self, within: KeyRange) -> sql.Composable:
        return sql.SQL("""
            INSERT INTO migrator.failed_rows (step_id, purpose, key, sqlstate, error)
            SELECT %(step)s, %(purpose)s, {written}, %(sqlstate)s, %(error)s FROM {table} AS {alias} WHERE {range}
            ON CONFLICT (step_id, purpose, key) DO UPDATE SET sqlstate = EXCLUDED.sqlstate, error = EXCLUDED.error
            RETURNING 1
        """).format(
            written=self.keyset.written(), table=self.table.named, alias=self.table.alias, range=within.condition
        )


def failed_rows(connection: psycopg.Connection, step: int, purpose: str | None = None) -> list[FailedRow]:
    """Return the rows of a step, or of one purpose of it, that are set aside, the first that failed first."""
    found = connection.execute(query("failed_rows"), {"step": step, "purpose": purpose})
    return [FailedRow(number, tuple(key), error) for number, key, error in found]


def retry(connection: psycopg.Connection, keyset: Keyset, move: Move, failed: FailedRow, **further: Any) -> int:
    """Write a row that was set aside and forget its failure, in one transaction; return how many rows that wrote.

    `further` are parameters of the move.

    Raises:
        psycopg.Error: it is refused again, and stays noted.
    """
    key = keyset.read(sql.SQL("SELECT key FROM migrator_failed"))
    statement = _RETRY.format(move=move.parts(keyset.one(key)))
    row = connection.execute(statement, {"id": failed.id, **further}).fetchone()
    return int(row[0]) if row else 0


def shown(key: tuple[str, ...]) -> str:
    """Return a key as a person reads it."""
    return key[0] if len(key) == 1 else f"({', '.join(key)})"


def message_of(error: psycopg.Error) -> str:
    """Return what the server said, in one line."""
    return error.diag.message_primary or str(error).splitlines()[0]
