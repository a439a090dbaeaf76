"""REINDEX without CONCURRENTLY stops writes, and reads that use the index.

What it does
------------
Reports `REINDEX` of an index, a table, a schema or a database.

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
from migrator.sql.parser import option

HAZARD = Hazard.BLOCKS
BAD = (
    Example(sql="REINDEX TABLE orders;"),
    Example(sql="REINDEX INDEX orders_ref_idx;"),
    Example(sql="REINDEX DATABASE shop;"),
    Example(sql="REINDEX (VERBOSE) TABLE orders;"),
)
GOOD = (
    Example(sql="REINDEX TABLE CONCURRENTLY orders;"),
    Example(sql="REINDEX (CONCURRENTLY) INDEX orders_ref_idx;"),
    Example(sql="CREATE TABLE fresh (a int PRIMARY KEY); REINDEX TABLE fresh;"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the builds, and REINDEX of a whole schema or database, which names no table."""
    yield from stalls(moment, "reindex-blocking")
    whole = moment.statement.kind == "reindex_stmt" and moment.effect.locks_unknown
    if whole and not option(moment.tree.params, "concurrently"):
        yield Report(
            "every table is locked against writes in turn, while its indexes are built",
            "REINDEX TABLE CONCURRENTLY <table>;   -- table by table",
        )
