"""A dropped table takes its rows along and breaks code that still uses it.

What it does
------------
Reports `DROP TABLE`, also as a step towards creating it anew.

Why it is bad
-------------
The rows cannot be brought back by a downgrade. Tables that its foreign keys point to are locked as well, and running
code fails at once.

What to do instead
------------------
Stop using it, release, then drop it in the contract phase of a plan with `archive: [table]`; or rename it away first
and drop it when nobody missed it.

When it does not apply
----------------------
Tables that the same script created, and downgrades that take back what the upgrade created.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report

HAZARD = Hazard.IRREVERSIBLE
AT_RUN_TIME = True
BAD = (
    Example(sql="DROP TABLE sessions;"),
    Example(sql="DROP TABLE IF EXISTS sessions CASCADE;"),
    Example(sql="DROP TABLE IF EXISTS sessions; CREATE TABLE sessions (id int);"),
)
GOOD = (
    Example(sql="CREATE TABLE fresh (a int); DROP TABLE fresh;"),
    Example(sql="CREATE TEMP TABLE t (a int) ON COMMIT DROP;"),
    Example(sql="CREATE TABLE b AS SELECT 1 AS a; DROP TABLE b;"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each table that held rows before the script."""
    for one in moment.effect.drops:
        if one.kind in ("table", "foreign table") and not moment.downgrade and not moment.schema.is_new(one.name):
            yield Report(
                f"the rows of {one.name} are lost, and running code that uses it fails",
                f"1. release code that does not use {one.name}\n"
                f"2. drop it in the contract phase of a plan, with archive: [{one.name}]",
            )
