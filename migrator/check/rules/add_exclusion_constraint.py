"""An exclusion constraint builds its index while the table is locked.

What it does
------------
Reports `ADD CONSTRAINT ... EXCLUDE`.

Why it is bad
-------------
The index is built under ACCESS EXCLUSIVE, and there is no way to build it concurrently.

What to do instead
------------------
Create a table that has the constraint, copy the rows in chunks while triggers keep it up to date, swap the names.

When it does not apply
----------------------
Tables without rows: created or emptied by the same script.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import stalls

HAZARD = Hazard.BLOCKS
BAD = (
    Example(sql="ALTER TABLE payments ADD CONSTRAINT e EXCLUDE USING gist (during WITH &&);"),
    Example(sql="ALTER TABLE payments ADD EXCLUDE USING gist (room WITH =, during WITH &&);"),
    Example(
        sql=(
            "ALTER TABLE payments ADD COLUMN a int, "
            "ADD CONSTRAINT e EXCLUDE USING gist (during WITH &&) WHERE (room > 0);"
        ),
    ),
)
GOOD = (
    Example(
        sql=(
            "BEGIN; CREATE TABLE stays (during int4range); "
            "ALTER TABLE stays ADD EXCLUDE USING gist (during WITH &&); COMMIT;"
        ),
    ),
    Example(sql="CREATE TABLE stays (during int4range, EXCLUDE USING gist (during WITH &&));"),
    Example(
        sql=(
            "CREATE TABLE stays (during int4range); "
            "ALTER TABLE stays ADD CONSTRAINT e EXCLUDE USING gist (during WITH &&);"
        ),
    ),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the work that users of the table would wait for."""
    return stalls(moment, "add-exclusion-constraint")
