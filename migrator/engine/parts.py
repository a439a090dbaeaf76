"""The parts of a table that a move is done to one after the other: its partitions, so that one at a time is locked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import psycopg

from migrator.backfill.move import Move
from migrator.errors import Location, RefusedError
from migrator.postgres.queries import query
from migrator.postgres.tables import leaves

PURPOSE = "fill"


class KeyWrittenError(RefusedError):
    """The backfill would change the key that it walks the table by, so a row could have its turn twice, or never.

    Give rows their new keys in a column of its own, and let that become the key; or write the rows into another table,
    with `into`. Nothing was written.
    """

    code = "MG337"


def require_key_kept(move: Move, where: Location) -> None:
    """Raise where a move changes columns of the primary key.

    Raises:
        KeyWrittenError
    """
    written = [column.name for column in move.table.key if column.name in move.writes]
    if written:
        raise KeyWrittenError(
            f"the backfill would change the key that it walks {move.table} by: {', '.join(written)}",
            where=where,
            notes=["a row could have its turn twice, or never; nothing was written"],
            help="fill a new column that becomes the key, or another table (into)",
        )


@dataclass(frozen=True, slots=True)
class Part:
    """The move on one partition, or on a table that is done as a whole, and the purpose of its slices."""

    move: Move
    purpose: str


def parts(connection: psycopg.Connection, move: Move) -> Iterator[Part]:
    """Yield the parts of the table of `move`, in the order of their making.

    Where rows could be moved to another partition, or a statement is not ours, a table with a key is done as a whole.
    """
    table = move.table
    if not table.partitioned:
        yield Part(move, PURPOSE)
        return
    found = [name for (name,) in connection.execute(query("partition_columns"), {"oid": table.oid})]
    if table.key and not move.goes_by_partition(frozenset(found)):
        yield Part(move, PURPOSE)
        return
    for leaf in leaves(connection, table):
        yield Part(replace(move, table=leaf), f"{PURPOSE} {leaf}")
