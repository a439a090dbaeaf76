"""A new expression of a stored generated column rewrites the table.

What it does
------------
Reports `ALTER COLUMN ... SET EXPRESSION` (PostgreSQL 17).

Why it is bad
-------------
The value of every row is computed anew under ACCESS EXCLUSIVE.

What to do instead
------------------
Add a column with the new expression kept by triggers, fill it in chunks, switch readers, drop the old one.

When it does not apply
----------------------
DROP EXPRESSION keeps the values and changes the catalog only. A virtual column is not
stored.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import stalls

HAZARD = Hazard.REWRITES
BAD = (
    Example(sql="ALTER TABLE orders ALTER COLUMN dbl SET EXPRESSION AS (qty * 3);", pg_version=17),
    Example(sql="ALTER TABLE a ALTER b SET EXPRESSION AS (c + 1);", pg_version=17),
    Example(sql="ALTER TABLE a ALTER b SET EXPRESSION AS (lower(c));", pg_version=18),
)
GOOD = (
    Example(sql="ALTER TABLE orders ALTER COLUMN dbl DROP EXPRESSION;"),
    Example(
        sql="ALTER TABLE a ALTER b SET EXPRESSION AS (n + 1);",
        setup="CREATE TABLE a (n int, b int GENERATED ALWAYS AS (n) VIRTUAL);",
        pg_version=18,
    ),
    Example(
        sql=(
            "CREATE TABLE f (a int, b int GENERATED ALWAYS AS (a) STORED); "
            "ALTER TABLE f ALTER b SET EXPRESSION AS (a + 1);"
        ),
        pg_version=17,
    ),
    Example(sql="ALTER TABLE orders ALTER COLUMN qty SET DEFAULT 2;"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the work that users of the table would wait for."""
    return stalls(moment, "set-expression")
