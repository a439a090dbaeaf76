"""A new column with a default and REFERENCES is looked up row by row under a lock.

What it does
------------
Reports `ADD COLUMN ... DEFAULT value REFERENCES other`.

Why it is bad
-------------
Because every row has a value at once, PostgreSQL verifies the foreign key for all of them, and writes to both tables
wait.

What to do instead
------------------
Add the column, then the foreign key `NOT VALID`, then validate it in a transaction of its own.

When it does not apply
----------------------
Without a default all values are NULL and nothing is looked up: both tables are locked for an instant only.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import stalls

HAZARD = Hazard.SCANS
BAD = (
    Example(sql="ALTER TABLE payments ADD COLUMN shop int DEFAULT 1 REFERENCES orders (id);"),
    Example(sql="ALTER TABLE payments ADD COLUMN shop int NOT NULL DEFAULT 1 REFERENCES orders (id);"),
    Example(sql="ALTER TABLE payments ADD COLUMN shop int DEFAULT 7 CONSTRAINT shop_fk REFERENCES orders;"),
)
GOOD = (
    Example(sql="ALTER TABLE payments ADD COLUMN shop int REFERENCES orders (id);"),
    Example(sql="ALTER TABLE payments ADD COLUMN shop int DEFAULT NULL REFERENCES orders (id);"),
    Example(sql="CREATE TABLE fresh (shop int DEFAULT 1 REFERENCES orders (id));"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the work that users of the table would wait for."""
    return stalls(moment, "add-column-references")
