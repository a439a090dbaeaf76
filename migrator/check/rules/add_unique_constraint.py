"""A unique constraint builds its index while the table is locked.

What it does
------------
Reports `ADD CONSTRAINT ... UNIQUE (...)`.

Why it is bad
-------------
The index is built under ACCESS EXCLUSIVE, and the statement fails at its end if there are duplicates.

What to do instead
------------------
Build the index concurrently, then attach it:

    CREATE UNIQUE INDEX CONCURRENTLY email_uq ON customers (email);
    ALTER TABLE customers ADD CONSTRAINT email_uq UNIQUE USING INDEX email_uq;

When it does not apply
----------------------
With USING INDEX, and on tables that the same script created or emptied.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import stalls

HAZARD = Hazard.BLOCKS
BAD = (
    Example(sql="ALTER TABLE customers ADD CONSTRAINT email_uq UNIQUE (email);"),
    Example(sql="ALTER TABLE customers ADD UNIQUE (email, phone);"),
    Example(sql="ALTER TABLE customers ADD CONSTRAINT h UNIQUE NULLS NOT DISTINCT (handle);"),
)
GOOD = (
    Example(
        sql=(
            "CREATE UNIQUE INDEX CONCURRENTLY email_uq ON customers (email); "
            "ALTER TABLE customers ADD CONSTRAINT email_uq UNIQUE USING INDEX email_uq;"
        ),
    ),
    Example(
        sql=(
            "BEGIN; CREATE TABLE fresh (id bigint PRIMARY KEY, note text, n int); "
            "ALTER TABLE fresh ADD UNIQUE (note); COMMIT;"
        ),
    ),
    Example(sql="CREATE TABLE fresh (a int, UNIQUE (a));"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the work that users of the table would wait for."""
    return stalls(moment, "add-unique-constraint")
