"""A serial column on a table with rows rewrites the table.

What it does
------------
Reports `ADD COLUMN ... serial`, `bigserial` and `smallserial`.

Why it is bad
-------------
Every row gets a number from the sequence, so the table and its indexes are written anew under ACCESS EXCLUSIVE.

What to do instead
------------------
Add a plain `bigint`, let a sequence fill new rows, number the old ones in chunks, then make it NOT NULL.

When it does not apply
----------------------
A table that the same script created, or emptied, has no rows to number.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import stalls

HAZARD = Hazard.REWRITES
BAD = (
    Example(sql="ALTER TABLE audit_log ADD COLUMN seq serial;"),
    Example(sql="ALTER TABLE audit_log ADD COLUMN seq bigserial NOT NULL;"),
    Example(sql="ALTER TABLE audit_log ADD COLUMN a text, ADD COLUMN seq smallserial;"),
)
GOOD = (
    Example(sql="CREATE TABLE fresh (id bigserial PRIMARY KEY);"),
    Example(
        sql=(
            "BEGIN; CREATE TABLE fresh (id bigint PRIMARY KEY, note text, n int); "
            "ALTER TABLE fresh ADD COLUMN seq serial; COMMIT;"
        ),
    ),
    Example(sql="ALTER TABLE audit_log ADD COLUMN seq bigint;"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the work that users of the table would wait for."""
    return stalls(moment, "add-serial-column")
