"""The slices of a backfill in the ledger: the first is made with its end key fixed, then chunks move its cursor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from migrator.backfill.keyset import Keyset
from migrator.postgres.queries import query

LEASE = timedelta(seconds=30)
"""How long a slice stays with a worker that is not heard of; each chunk and each wait renews it."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A key range, and how far its worker has come. `rows_total` is an estimate.

    `cursor` is that of the last pass over it; those before it have come as far as `ahead` says, the first one first.
    `token` is that of the lease under which it was read: whoever takes the slice later has a higher one.
    """

    id: int
    number: int
    lower_key: Any
    upper_key: Any
    cursor: Any
    ahead: list[Any]
    rows_done: int
    rows_changed: int
    rows_total: int
    done: bool
    token: int

    @property
    def cursors(self) -> list[Any]:
        """Those of all passes, the first one first."""
        return [*self.ahead, self.cursor]

    @property
    def front(self) -> Any:
        """The key behind which no pass has come; None for the beginning of the table."""
        return self.cursors[0] or self.lower_key


def slices_of(connection: psycopg.Connection, step: int, purpose: str) -> list[Slice]:
    """Return the slices of a step, in key order."""
    rows = connection.execute(query("slices_of_step"), {"step": step, "purpose": purpose})
    return [Slice(*row) for row in rows]


def cut_slices(connection: psycopg.Connection, keyset: Keyset, step: int, purpose: str, passes: int = 1) -> list[Slice]:
    """Return the slices of a step, making them first if this is the first attempt.

    The upper key is the largest there is now: rows inserted later are the dual write's business and cannot make the
    work endless. An empty table has no slices. They are walked in `passes` passes.
    """
    found = slices_of(connection, step, purpose)
    if found:
        return found
    row = connection.execute(keyset.largest(), ()).fetchone()
    if row is None:
        return []
    connection.execute(
        query("slice_insert"),
        {
            "step": step,
            "purpose": purpose,
            "number": 1,
            "lower": None,
            "upper": Jsonb(row[0]),
            "ahead": Jsonb([None] * (passes - 1)),
            "rows": keyset.table.estimated_rows or 0,
        },
    )
    return slices_of(connection, step, purpose)


def free_slices(connection: psycopg.Connection, step: int, purpose: str) -> None:
    """End every lease on the slices of a step: who works on them under an earlier attempt moves nothing more."""
    with connection.transaction():
        connection.execute(query("step_hold"), {"step": step, "attempt": None})  # nobody takes or cuts one meanwhile
        connection.execute(query("slices_free"), {"step": step, "purpose": purpose})


def forget_slices(connection: psycopg.Connection, step: int, purpose: str | None = None) -> None:
    """Delete the slices of a step, so that its next attempt starts from the beginning."""
    connection.execute(query("failed_rows_delete"), {"step": step, "purpose": purpose})
    connection.execute(query("slices_delete"), {"step": step, "purpose": purpose})
