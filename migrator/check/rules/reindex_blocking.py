"""REINDEX without CONCURRENTLY stops writes, and reads that use the index.

What it does
------------
Reports `REINDEX TABLE` and `REINDEX INDEX`.

Why it is bad
-------------
The table is locked against writes and each index against reads for as long as the build takes.

What to do instead
------------------
    REINDEX TABLE CONCURRENTLY orders;

outside a transaction, from PostgreSQL 12 on.

When it does not apply
----------------------
With CONCURRENTLY, on tables of the same script.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import stalls

HAZARD = Hazard.BLOCKS
BAD = (
    Example(sql="REINDEX TABLE orders;"),
    Example(sql="REINDEX INDEX orders_ref_idx;"),
    Example(sql="REINDEX (VERBOSE) TABLE orders;"),
)
GOOD = (
    Example(sql="REINDEX TABLE CONCURRENTLY orders;"),
    Example(sql="REINDEX (CONCURRENTLY) INDEX orders_ref_idx;"),
    Example(sql="CREATE TABLE fresh (a int PRIMARY KEY); REINDEX TABLE fresh;"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the work that users of the table would wait for."""
    return stalls(moment, "reindex-blocking")
