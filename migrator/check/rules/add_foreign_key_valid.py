"""A foreign key that is added as valid stops writes to both tables while rows are looked up.

What it does
------------
Reports `ADD CONSTRAINT ... FOREIGN KEY` without NOT VALID.

Why it is bad
-------------
Every row is looked up in the other table while SHARE ROW EXCLUSIVE is held on both: nobody writes to either.

What to do instead
------------------
Add it NOT VALID, then validate it in a transaction of its own.

When it does not apply
----------------------
Tables without rows: created or emptied by the same script. A foreign key of a partitioned table cannot be NOT VALID
before PostgreSQL 18: give it to the partitions first.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import stalls

HAZARD = Hazard.SCANS
BAD = (
    Example(sql="ALTER TABLE payments ADD CONSTRAINT pay_fk FOREIGN KEY (order_id) REFERENCES orders (id);"),
    Example(sql="ALTER TABLE payments ADD FOREIGN KEY (order_id) REFERENCES orders;"),
    Example(
        sql=(
            "ALTER TABLE payments ADD COLUMN a int, "
            "ADD CONSTRAINT pay_fk FOREIGN KEY (a) REFERENCES orders (id) ON DELETE CASCADE;"
        ),
    ),
)
GOOD = (
    Example(sql="ALTER TABLE payments ADD CONSTRAINT pay_fk FOREIGN KEY (order_id) REFERENCES orders (id) NOT VALID;"),
    Example(sql="CREATE TABLE refunds (order_id int REFERENCES orders (id));"),
    Example(
        sql=(
            "BEGIN; CREATE TABLE fresh (id bigint PRIMARY KEY, note text, n int); "
            "ALTER TABLE fresh ADD FOREIGN KEY (n) REFERENCES orders (id); COMMIT;"
        ),
    ),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the work that users of the table would wait for."""
    return stalls(moment, "add-foreign-key-valid")
