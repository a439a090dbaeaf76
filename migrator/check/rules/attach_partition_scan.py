"""ATTACH PARTITION reads the new partition, and the default one, while they are locked.

What it does
------------
Reports `ATTACH PARTITION` where no validated check proves which rows the table holds, and where it lacks indexes of
the parent.

Why it is bad
-------------
The table is read from end to end under ACCESS EXCLUSIVE, the default partition as well; missing indexes are built.

What to do instead
------------------
Add a check with exactly the bounds NOT VALID, validate it, attach, drop the check. Build the indexes concurrently
before.

When it does not apply
----------------------
A table that the same script created is empty. Without knowledge of the tables the worst is assumed.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard, Severity
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import stalls
from migrator.sql.commands import definition
from migrator.sql.names import name_of

HAZARD = Hazard.SCANS
BAD = (
    Example(
        sql="ALTER TABLE readings ATTACH PARTITION readings_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');"
    ),
    Example(
        sql="ALTER TABLE readings ATTACH PARTITION r26 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');",
        setup=(
            "CREATE TABLE readings (day date NOT NULL) PARTITION BY RANGE (day); CREATE TABLE r26 (day date NOT NULL);"
        ),
    ),
    Example(
        sql="ALTER TABLE readings ATTACH PARTITION r26 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');",
        setup=(
            "CREATE TABLE readings (day date NOT NULL) PARTITION BY RANGE (day); "
            "CREATE TABLE r26 (day date NOT NULL, CHECK (day >= '2026-01-01'));"
        ),
    ),
)
GOOD = (
    Example(
        sql="ALTER TABLE readings ATTACH PARTITION r26 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');",
        setup=(
            "CREATE TABLE readings (day date NOT NULL) PARTITION BY RANGE (day); "
            "CREATE TABLE r26 (day date NOT NULL, CHECK (day >= '2026-01-01' AND day < '2027-01-01'));"
        ),
    ),
    Example(
        sql=(
            "CREATE TABLE r26 (day date NOT NULL); "
            "ALTER TABLE readings ATTACH PARTITION r26 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');"
        ),
    ),
    Example(
        sql=(
            "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE c (a int); "
            "ALTER TABLE p ATTACH PARTITION c FOR VALUES IN (1);"
        ),
    ),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the scans and builds; a validated check may prove the bounds of a parent that nothing is known of."""
    proven = any(
        one.kind == "check" and one.validated
        for _, command in moment.commands("AT_AttachPartition")
        for one in moment.schema.known(name_of(definition(command).name)).constraints
    )
    unsure = Severity.WARNING if proven else Severity.ERROR
    return stalls(moment, "attach-partition-scan", "attach-partition-index", unsure=unsure)
