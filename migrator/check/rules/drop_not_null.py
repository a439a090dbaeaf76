"""Readers of a column that may be NULL from now on have to expect it.

What it does
------------
Reports `DROP NOT NULL`.

Why it is bad
-------------
Old code may fail on the first NULL that new code writes; the way back needs a scan, and fails if there is one.

What to do instead
------------------
Release readers that take NULL first.

When it does not apply
----------------------
Off by default: `--with drop-not-null`. Tables that the same script created.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard, Severity
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report

HAZARD = Hazard.BREAKS
SEVERITY = Severity.WARNING
ON = False
BAD = (
    Example(sql="ALTER TABLE orders ALTER COLUMN qty DROP NOT NULL;"),
    Example(sql="ALTER TABLE a ALTER b DROP NOT NULL, ALTER c DROP NOT NULL;"),
    Example(sql="BEGIN; ALTER TABLE shop.a ALTER b DROP NOT NULL; COMMIT;"),
)
GOOD = (
    Example(sql="CREATE TABLE f (a int NOT NULL); ALTER TABLE f ALTER a DROP NOT NULL;"),
    Example(sql="ALTER TABLE orders ALTER COLUMN qty DROP DEFAULT;"),
    Example(sql="SELECT 1;"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each column that may be NULL from now on."""
    for table, command in moment.commands("AT_DropNotNull"):
        yield Report(f"readers of {table}.{command.name} may meet NULL", "release readers that take NULL first")
