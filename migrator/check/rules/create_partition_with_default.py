"""A new partition makes PostgreSQL read the default partition while it is locked.

What it does
------------
Reports `CREATE TABLE ... PARTITION OF` under a parent that has a default partition.

Why it is bad
-------------
Rows of the default partition may belong to the new one, so all of it is read under ACCESS EXCLUSIVE.

What to do instead
------------------
Create the table alone, exclude its bounds from the default partition by a validated check, then attach it.

When it does not apply
----------------------
The parent has no default partition, or none is known of.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import stalls

HAZARD = Hazard.SCANS
BAD = (
    Example(
        sql="CREATE TABLE r27 PARTITION OF readings FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');",
        setup=(
            "CREATE TABLE readings (day date) PARTITION BY RANGE (day); "
            "CREATE TABLE rest PARTITION OF readings DEFAULT;"
        ),
    ),
    Example(
        sql="CREATE TABLE c PARTITION OF p FOR VALUES IN (1);",
        setup="CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE d PARTITION OF p DEFAULT;",
    ),
    Example(
        sql="CREATE TABLE c PARTITION OF p FOR VALUES IN (1);",
        setup=(
            "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE d (a int); "
            "ALTER TABLE p ATTACH PARTITION d DEFAULT;"
        ),
    ),
)
GOOD = (
    Example(sql="CREATE TABLE r27 PARTITION OF readings FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');"),
    Example(
        sql="CREATE TABLE c PARTITION OF p FOR VALUES IN (1);", setup="CREATE TABLE p (a int) PARTITION BY LIST (a);"
    ),
    Example(
        sql=(
            "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE d PARTITION OF p DEFAULT; "
            "CREATE TABLE c PARTITION OF p FOR VALUES IN (1);"
        ),
    ),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the work that users of the table would wait for."""
    return stalls(moment, "create-partition-with-default")
