"""A check on a new column is verified for every row while the table is locked.

What it does
------------
Reports `ADD COLUMN` with an inline `CHECK`.

Why it is bad
-------------
PostgreSQL reads the whole table to verify the check although the column is new, under ACCESS EXCLUSIVE.

What to do instead
------------------
Add the column alone, then the check `NOT VALID`, then validate it in a transaction of its own.

When it does not apply
----------------------
A table that the same script created or emptied holds no rows to read.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import stalls

HAZARD = Hazard.SCANS
BAD = (
    Example(sql="ALTER TABLE orders ADD COLUMN stars int CHECK (stars BETWEEN 1 AND 5);"),
    Example(sql="ALTER TABLE orders ADD COLUMN lane text DEFAULT 'a' CONSTRAINT lane_ok CHECK (lane <> '');"),
    Example(sql="ALTER TABLE orders ADD COLUMN a int, ADD COLUMN b int CHECK (b > 0);"),
)
GOOD = (
    Example(
        sql=(
            "ALTER TABLE orders ADD COLUMN stars int; "
            "ALTER TABLE orders ADD CONSTRAINT stars_ok CHECK (stars > 0) NOT VALID;"
        ),
    ),
    Example(sql="CREATE TABLE fresh (a int CHECK (a > 0));"),
    Example(
        sql=(
            "BEGIN; CREATE TABLE fresh (id bigint PRIMARY KEY, note text, n int); "
            "ALTER TABLE fresh ADD COLUMN b int CHECK (b > 0); COMMIT;"
        ),
    ),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the work that users of the table would wait for."""
    return stalls(moment, "add-column-check")
