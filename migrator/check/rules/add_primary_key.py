"""A primary key builds its index, or scans for NULLs, while the table is locked.

What it does
------------
Reports `ADD PRIMARY KEY (...)`, and `PRIMARY KEY USING INDEX` on columns that may be NULL.

Why it is bad
-------------
The index is built under ACCESS EXCLUSIVE; columns that are not NOT NULL yet are read from end to end on top.

What to do instead
------------------
Make the columns NOT NULL by way of a validated check, build a unique index concurrently, attach it with `PRIMARY KEY
USING INDEX`.

When it does not apply
----------------------
With USING INDEX on NOT NULL columns. Where the columns are not known, USING INDEX is a warning.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from migrator.check.finding import Hazard, Severity
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import stalls
from migrator.sql.commands import definition

HAZARD = Hazard.BLOCKS
BAD = (
    Example(sql="ALTER TABLE audit_log ADD PRIMARY KEY (id);"),
    Example(sql="ALTER TABLE audit_log ADD CONSTRAINT pk PRIMARY KEY (id, at);"),
    Example(
        sql="ALTER TABLE t ADD CONSTRAINT pk PRIMARY KEY USING INDEX t_a;",
        setup="CREATE TABLE t (a int); CREATE UNIQUE INDEX t_a ON t (a);",
    ),
)
GOOD = (
    Example(
        sql="ALTER TABLE t ADD CONSTRAINT pk PRIMARY KEY USING INDEX t_a;",
        setup="CREATE TABLE t (a int NOT NULL); CREATE UNIQUE INDEX t_a ON t (a);",
    ),
    Example(sql="BEGIN; CREATE TABLE fresh (a int); ALTER TABLE fresh ADD PRIMARY KEY (a); COMMIT;"),
    Example(sql="CREATE TABLE fresh (a int PRIMARY KEY);"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the build, and the scan for NULLs of columns that are known, or may be, nullable."""
    yield from stalls(moment, "add-primary-key")
    for table, command in moment.commands("AT_AddConstraint"):
        known, index = moment.schema.table(table), moment.schema.index(table.beside(definition(command).indexname))
        told = known is not None and index is not None and all(known.column(one) for one in index.columns)
        for report in stalls(moment, "primary-key-using-index-on-nullable"):
            yield report if told or report.note else replace(report, severity=Severity.WARNING)
