"""A check that is added as valid reads the whole table while it is locked.

What it does
------------
Reports `ADD CONSTRAINT ... CHECK` without NOT VALID.

Why it is bad
-------------
Every row is verified under ACCESS EXCLUSIVE.

What to do instead
------------------
Add it NOT VALID, which holds for new rows at once, and validate it in a transaction of its own, which reads under a
lock that lets reads and writes pass.

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

HAZARD = Hazard.SCANS
BAD = (
    Example(sql="ALTER TABLE orders ADD CONSTRAINT qty_ok CHECK (qty > 0);"),
    Example(sql="ALTER TABLE orders ADD CHECK (qty > 0);"),
    Example(sql="ALTER TABLE orders ADD COLUMN a int, ADD CONSTRAINT qty_ok CHECK (qty > 0);"),
)
GOOD = (
    Example(sql="ALTER TABLE orders ADD CONSTRAINT qty_ok CHECK (qty > 0) NOT VALID;"),
    Example(
        sql=(
            "BEGIN; CREATE TABLE fresh (id bigint PRIMARY KEY, note text, n int); "
            "ALTER TABLE fresh ADD CONSTRAINT n_ok CHECK (n > 0); COMMIT;"
        ),
    ),
    Example(sql="CREATE TABLE fresh (n int, CHECK (n > 0));"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the work that users of the table would wait for."""
    return stalls(moment, "add-check-valid")
