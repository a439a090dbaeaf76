"""TRUNCATE removes all rows at once, and there is no way back.

What it does
------------
Reports `TRUNCATE` of a table with rows; with CASCADE the tables that refer to it are emptied too.

Why it is bad
-------------
The rows are gone when it commits, and the table is locked against reads meanwhile.

What to do instead
------------------
Delete in chunks what is not needed; or create an empty table, switch the code over, drop the old one later with an
archive.

When it does not apply
----------------------
Tables that the same script created.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report

HAZARD = Hazard.IRREVERSIBLE
AT_RUN_TIME = True
BAD = (
    Example(sql="TRUNCATE sessions;"),
    Example(sql="TRUNCATE TABLE sessions, orders CASCADE;"),
    Example(sql="BEGIN; TRUNCATE sessions RESTART IDENTITY; COMMIT;"),
)
GOOD = (
    Example(sql="CREATE TABLE fresh (a int); TRUNCATE fresh;"),
    Example(sql="DELETE FROM sessions WHERE id = 7;"),
    Example(sql="CREATE TEMP TABLE t (a int); INSERT INTO t VALUES (1); TRUNCATE t;"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each table that is emptied."""
    for change in moment.effect.data_changes:
        if change.verb == "TRUNCATE" and moment.live(change.table):
            yield Report(
                f"all rows of {change.table} are lost, and reads of it wait meanwhile",
                f"delete the rows of {change.table} that are not needed in chunks, by ranges of its key",
            )
