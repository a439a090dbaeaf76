"""VACUUM FULL and CLUSTER write the table anew while nobody can read it.

What it does
------------
Reports `VACUUM FULL` and `CLUSTER`.

Why it is bad
-------------
The table is copied under ACCESS EXCLUSIVE.

What to do instead
------------------
`VACUUM` makes the space reusable; pg_repack or pg_squeeze give it back, and order rows, while the table is in use.

When it does not apply
----------------------
Tables that the same script created or emptied.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import stalls

HAZARD = Hazard.REWRITES
BAD = (
    Example(sql="VACUUM FULL orders;"),
    Example(sql="VACUUM (FULL, ANALYZE) orders;"),
    Example(sql="CLUSTER orders USING orders_ref_idx;"),
)
GOOD = (
    Example(sql="VACUUM orders;"),
    Example(sql="VACUUM (ANALYZE) orders;"),
    Example(sql="CREATE TABLE fresh (a int PRIMARY KEY); CLUSTER fresh USING fresh_pkey;"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the work that users of the table would wait for."""
    return stalls(moment, "vacuum-full", "cluster")
