"""DROP INDEX without CONCURRENTLY waits for, and then stops, everybody on the table.

What it does
------------
Reports `DROP INDEX` of an index that was there before.

Why it is bad
-------------
It needs ACCESS EXCLUSIVE on the table: it waits behind every long query, and all later ones wait behind it.

What to do instead
------------------
    DROP INDEX CONCURRENTLY orders_status_idx;

outside a transaction, one index per statement.

When it does not apply
----------------------
Indexes on tables that the same script created, or the same transaction drops. Indexes of constraints go with their
constraint.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard, Severity
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import MADE_SAFE
from migrator.sql.classify import classify
from migrator.sql.names import Name

HAZARD = Hazard.BLOCKS
BAD = (
    Example(sql="DROP INDEX orders_status_idx;"),
    Example(sql="DROP INDEX IF EXISTS orders_status_idx;"),
    Example(sql="BEGIN; DROP INDEX orders_status_idx, orders_ref_idx; COMMIT;"),
)
GOOD = (
    Example(sql="DROP INDEX CONCURRENTLY orders_status_idx;"),
    Example(sql="CREATE TABLE fresh (a int); CREATE INDEX i ON fresh (a); DROP INDEX i;"),
    Example(sql="DROP INDEX CONCURRENTLY IF EXISTS orders_status_idx;"),
    Example(
        sql="BEGIN; DROP INDEX i; DROP TABLE orders; COMMIT;",
        setup="CREATE TABLE orders (a int); CREATE INDEX i ON orders (a);",
    ),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each index whose table is locked."""
    if moment.statement.kind != "drop_stmt" or moment.tree.concurrent:
        return
    for one in moment.effect.drops:
        if one.kind != "index":
            continue
        index = moment.schema.index(one.name)
        if index is None or (moment.live(index.table) and not _goes_with_table(moment, index.table)):
            safe = moment.by_itself
            yield Report(
                f"reads and writes of {index.table if index else 'its table'} wait while {one.name} is dropped, and "
                "behind every query that it waits for",
                f"DROP INDEX CONCURRENTLY {one.name};   -- outside a transaction",
                Severity.INFO if safe else None,
                MADE_SAFE if safe else "",
            )


def _goes_with_table(moment: Moment, table: Name) -> bool:
    """Say whether the same transaction drops the table."""
    return any(
        one.kind == "table" and one.name.same(table)
        for later in moment.rest_of_transaction()
        if later.kind == "drop_stmt"
        for one in classify(later).drops
    )
