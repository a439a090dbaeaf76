"""REFRESH MATERIALIZED VIEW keeps readers away while its query runs.

What it does
------------
Reports `REFRESH MATERIALIZED VIEW` without CONCURRENTLY.

Why it is bad
-------------
The view is locked with ACCESS EXCLUSIVE until the whole query has run.

What to do instead
------------------
    REFRESH MATERIALIZED VIEW CONCURRENTLY daily_sales;

which needs a unique index on columns that identify its rows.

When it does not apply
----------------------
Views that the same script created, and `WITH NO DATA`.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import stalls

HAZARD = Hazard.BLOCKS
BAD = (
    Example(sql="REFRESH MATERIALIZED VIEW daily_sales;"),
    Example(sql="REFRESH MATERIALIZED VIEW shop.daily_sales WITH DATA;"),
    Example(sql="SET lock_timeout = '2s'; REFRESH MATERIALIZED VIEW daily_sales;"),
)
GOOD = (
    Example(sql="REFRESH MATERIALIZED VIEW CONCURRENTLY daily_sales;"),
    Example(sql="CREATE MATERIALIZED VIEW v AS SELECT 1 AS a WITH NO DATA; REFRESH MATERIALIZED VIEW v;"),
    Example(sql="REFRESH MATERIALIZED VIEW daily_sales WITH NO DATA;"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the work that users of the table would wait for."""
    return stalls(moment, "refresh-matview-blocking")
