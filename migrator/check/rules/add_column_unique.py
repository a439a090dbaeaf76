"""A new column with UNIQUE or PRIMARY KEY builds an index while the table is locked.

What it does
------------
Reports `ADD COLUMN` with an inline `UNIQUE` or `PRIMARY KEY`.

Why it is bad
-------------
The index is built under ACCESS EXCLUSIVE: reads and writes wait for the build.

What to do instead
------------------
Add the column, build a unique index concurrently, then attach it:

    CREATE UNIQUE INDEX CONCURRENTLY customers_code_key ON customers (code);
    ALTER TABLE customers ADD CONSTRAINT customers_code_key UNIQUE USING INDEX customers_code_key;

When it does not apply
----------------------
A table that the same script created has nothing to index.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import stalls

HAZARD = Hazard.BLOCKS
BAD = (
    Example(sql="ALTER TABLE customers ADD COLUMN code text UNIQUE;"),
    Example(sql="ALTER TABLE audit_log ADD COLUMN key bigint PRIMARY KEY;"),
    Example(sql="ALTER TABLE customers ADD COLUMN a int, ADD COLUMN code text CONSTRAINT code_uq UNIQUE;"),
)
GOOD = (
    Example(sql="ALTER TABLE customers ADD COLUMN code text;"),
    Example(
        sql=(
            "BEGIN; CREATE TABLE fresh (id bigint PRIMARY KEY, note text, n int); "
            "ALTER TABLE fresh ADD COLUMN code text UNIQUE; COMMIT;"
        ),
    ),
    Example(sql="CREATE TABLE fresh (code text UNIQUE);"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the work that users of the table would wait for."""
    return stalls(moment, "add-column-unique", "add-column-primary-key")
