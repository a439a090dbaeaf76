"""DETACH PARTITION locks the whole partitioned table.

What it does
------------
Reports `DETACH PARTITION` without CONCURRENTLY on PostgreSQL 14 and later.

Why it is bad
-------------
ACCESS EXCLUSIVE on the parent stops reads and writes of all partitions, and waits behind every query of any of them.

What to do instead
------------------
    ALTER TABLE readings DETACH PARTITION readings_2024 CONCURRENTLY;

outside a transaction. A default partition stands in its way.

When it does not apply
----------------------
Before PostgreSQL 14 there is no other way; partitioned tables that the same script created; downgrades, which undo an
ATTACH.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard, Severity
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import MADE_SAFE
from migrator.sql.commands import definition
from migrator.sql.names import name_of
from migrator.sql.online.form import OnlineForm

HAZARD = Hazard.BLOCKS
BAD = (
    Example(sql="ALTER TABLE readings DETACH PARTITION r24;"),
    Example(sql="ALTER TABLE readings DETACH PARTITION r24;", pg_version=18),
    Example(
        sql="ALTER TABLE p DETACH PARTITION c CONCURRENTLY;",
        setup="CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE d PARTITION OF p DEFAULT;",
    ),
)
GOOD = (
    Example(sql="ALTER TABLE readings DETACH PARTITION r24 CONCURRENTLY;"),
    Example(sql="ALTER TABLE readings DETACH PARTITION r24;", pg_version=13),
    Example(
        sql=(
            "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE c PARTITION OF p FOR VALUES IN (1); "
            "ALTER TABLE p DETACH PARTITION c;"
        ),
    ),
)


_HAS_CONCURRENTLY = 14


def find(moment: Moment) -> Iterator[Report]:
    """Yield the detached partition, and where PostgreSQL refuses to do it concurrently."""
    for table, command in moment.commands("AT_DetachPartition"):
        change = definition(command)
        default = moment.schema.known(table).default_partition
        if change.concurrent and default is not None:
            yield Report(
                f"PostgreSQL refuses it: {table} has the default partition {default}",
                f"detach {default} first, or leave out CONCURRENTLY in a quiet moment",
            )
        elif not (change.concurrent or moment.downgrade) and moment.version >= _HAS_CONCURRENTLY:
            safe = moment.by_itself and isinstance(moment.online, OnlineForm)
            yield Report(
                f"reads and writes of {table} and all its partitions wait",
                f"ALTER TABLE {table} DETACH PARTITION {name_of(change.name)} CONCURRENTLY;",
                Severity.INFO if safe else None,
                MADE_SAFE if safe else "",
            )
