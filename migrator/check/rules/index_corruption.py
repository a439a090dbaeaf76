"""PostgreSQL 14.0 to 14.3 can lose rows from an index that is built concurrently.

What it does
------------
Reports concurrent index builds where `--pg-version` names 14.0, 14.1, 14.2 or 14.3.

Why it is bad
-------------
Rows that change during the build can be missing from the index: queries do not find them, and unique indexes let
duplicates in.

What to do instead
------------------
Upgrade to 14.4 or later first; check indexes built before with `pg_amcheck --heapallindexed`.

When it does not apply
----------------------
Any other version. A version without a minor number is taken as a current one.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report

HAZARD = Hazard.IRREVERSIBLE
BAD = (
    Example(sql="CREATE INDEX CONCURRENTLY i ON orders (note);", pg_version=14, minor=3),
    Example(sql="REINDEX INDEX CONCURRENTLY i;", pg_version=14, minor=0),
    Example(sql="CREATE UNIQUE INDEX CONCURRENTLY i ON orders (ref);", pg_version=14, minor=1),
)
GOOD = (
    Example(sql="CREATE INDEX CONCURRENTLY i ON orders (note);", pg_version=14, minor=4),
    Example(sql="CREATE INDEX CONCURRENTLY i ON orders (note);", pg_version=14),
    Example(sql="CREATE INDEX CONCURRENTLY i ON orders (note);", pg_version=15, minor=1),
)


_AFFECTED, _FIXED = 14, 4


def find(moment: Moment) -> Iterator[Report]:
    """Yield the build on an affected server."""
    minor = moment.options.minor
    concurrent = moment.effect.kind in ("CREATE INDEX CONCURRENTLY", "REINDEX CONCURRENTLY")
    if concurrent and moment.version == _AFFECTED and minor is not None and minor < _FIXED:
        yield Report(f"PostgreSQL {_AFFECTED}.{minor} can lose rows from this index", "upgrade the server to 14.4")
