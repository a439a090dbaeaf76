"""A constraint that becomes ENFORCED is verified for every row while the tables are locked.

What it does
------------
Reports `ALTER CONSTRAINT ... ENFORCED` (PostgreSQL 18).

Why it is bad
-------------
Every row is looked up under ACCESS EXCLUSIVE on both tables.

What to do instead
------------------
Drop the constraint, add it again NOT VALID, validate it in a transaction of its own.

When it does not apply
----------------------
Tables without rows, and `NOT ENFORCED`, which reads nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import stalls

HAZARD = Hazard.SCANS
BAD = (
    Example(sql="ALTER TABLE payments ALTER CONSTRAINT pay_fk ENFORCED;", pg_version=18),
    Example(sql="ALTER TABLE a ALTER CONSTRAINT b ENFORCED;", pg_version=18),
    Example(sql="ALTER TABLE shop.payments ALTER CONSTRAINT pay_fk ENFORCED;", pg_version=18),
)
GOOD = (
    Example(sql="ALTER TABLE payments ALTER CONSTRAINT pay_fk NOT ENFORCED;", pg_version=18),
    Example(sql="ALTER TABLE payments ALTER CONSTRAINT pay_fk DEFERRABLE;", pg_version=18),
    Example(
        sql=(
            "CREATE TABLE fresh (n int REFERENCES orders (id) NOT ENFORCED); "
            "ALTER TABLE fresh ALTER CONSTRAINT fresh_n_fkey ENFORCED;"
        ),
        pg_version=18,
    ),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the work that users of the table would wait for."""
    return stalls(moment, "enforce-constraint")
