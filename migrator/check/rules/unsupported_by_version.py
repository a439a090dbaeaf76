"""The server's version does not know this statement.

What it does
------------
Reports grammar that came with a later PostgreSQL than the one named by `--pg-version`.

Why it is bad
-------------
The statement fails with a syntax error, or a function that does not exist.

What to do instead
------------------
Write it the older way, or name the version that is in use.

When it does not apply
----------------------
The version knows it. Without `--pg-version` the oldest supported one is assumed.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.features import features
from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report

HAZARD = Hazard.FAILS
BAD = (
    Example(sql="REINDEX TABLE CONCURRENTLY orders;", pg_version=11),
    Example(sql="ALTER TABLE p DETACH PARTITION c CONCURRENTLY;", pg_version=13),
    Example(sql="ALTER TABLE a ADD UNIQUE NULLS NOT DISTINCT (b);", pg_version=14),
    Example(sql="CREATE UNIQUE INDEX CONCURRENTLY i ON a (b) NULLS NOT DISTINCT;", pg_version=14),
    Example(sql="CREATE VIEW v WITH (security_invoker = true) AS SELECT 1;", pg_version=14),
    Example(sql="ALTER TABLE a ADD COLUMN b uuid DEFAULT uuidv7();", pg_version=17),
    Example(sql="ALTER TABLE a ALTER b DROP EXPRESSION;", pg_version=12),
)
GOOD = (
    Example(sql="REINDEX TABLE CONCURRENTLY orders;"),
    Example(sql="ALTER TABLE a ADD UNIQUE NULLS NOT DISTINCT (b);", pg_version=15),
    Example(sql="ALTER TABLE p DETACH PARTITION c CONCURRENTLY;", pg_version=14),
    Example(sql="MERGE INTO a USING b ON a.i = b.i WHEN MATCHED THEN DELETE;", pg_version=15),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each feature that is younger than the server."""
    for feature, since in features(moment.statement):
        if moment.version < since:
            yield Report(
                f"{feature} needs PostgreSQL {since}, and the server is {moment.version}",
                _INSTEAD.get(feature, f"leave {feature} out, or upgrade the server to {since} before"),
            )


_INSTEAD = {
    "REINDEX CONCURRENTLY": "create the index anew, CONCURRENTLY and under another name; drop the old one; rename it",
    "REINDEX (CONCURRENTLY)": "REINDEX TABLE CONCURRENTLY ..., without parentheses",
    "uuidv7()": "gen_random_uuid(), or a function of your own",
    "uuidv4()": "gen_random_uuid()",
    "gen_random_uuid()": "CREATE EXTENSION pgcrypto, which brings a function of that name",
    "MERGE": "INSERT ... ON CONFLICT DO UPDATE, or UPDATE and INSERT",
    "a VIRTUAL column": "a view that computes the column",
    "ADD CONSTRAINT ... NOT NULL": "ADD CONSTRAINT ... CHECK (... IS NOT NULL) NOT VALID, VALIDATE, then SET NOT NULL",
    "NULLS NOT DISTINCT": "a unique index on coalesce(column, a value that is not used)",
}
