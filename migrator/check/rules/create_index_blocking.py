"""CREATE INDEX without CONCURRENTLY stops writes for as long as the build takes.

What it does
------------
Reports `CREATE INDEX` on a table with rows, partitions of a partitioned table included.

Why it is bad
-------------
The build holds a SHARE lock: nobody writes to the table until it is done.

What to do instead
------------------
    CREATE INDEX CONCURRENTLY orders_note ON orders (note);

outside a transaction; in a revision inside `autocommit_block()`. On a partitioned table create it ON ONLY the parent,
concurrently on each partition, then attach them.

When it does not apply
----------------------
Tables that the same script created or emptied, and materialized views that were never filled.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import stalls
from migrator.sql.names import name_of

HAZARD = Hazard.BLOCKS
BAD = (
    Example(
        sql="CREATE INDEX i ON p (a);",
        setup=(
            "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); "
            "CREATE INDEX p1_a ON p1 USING hash (a);"
        ),
    ),
    Example(sql="CREATE INDEX orders_note ON orders (note);"),
    Example(sql="CREATE UNIQUE INDEX IF NOT EXISTS orders_note ON orders (note);"),
    Example(sql="DO $$ BEGIN EXECUTE 'CREATE INDEX orders_note ON orders (note)'; END $$;"),
    Example(
        sql="CREATE INDEX ON readings (sensor);",
        setup=(
            "CREATE TABLE readings (day date, sensor int) PARTITION BY RANGE (day); "
            "CREATE TABLE r1 PARTITION OF readings FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');"
        ),
    ),
)
GOOD = (
    Example(
        sql="CREATE INDEX i ON p (a);",
        setup=(
            "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); "
            "CREATE INDEX p1_a ON p1 (a);"
        ),
    ),
    Example(sql="CREATE INDEX CONCURRENTLY orders_note ON orders (note);"),
    Example(sql="CREATE INDEX readings_sensor ON ONLY readings (sensor);"),
    Example(sql="CREATE TABLE fresh (a int); CREATE INDEX fresh_a ON fresh (a);"),
    Example(sql="CREATE MATERIALIZED VIEW v AS SELECT 1 AS a; CREATE UNIQUE INDEX v_a ON v (a);"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the build; ON ONLY a table that nothing is known of is taken to be the parent of partitions."""
    if moment.statement.kind == "index_stmt" and not moment.tree.relation.inh:
        known = moment.schema.table(name_of(moment.tree.relation))
        if known is None or not known.columns:
            return iter(())
    return stalls(moment, "create-index-blocking")
