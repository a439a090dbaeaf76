"""DELETE without WHERE removes all rows in one transaction.

What it does
------------
Reports `DELETE` without a WHERE clause, or with one that is always true.

Why it is bad
-------------
The rows are gone when it commits; until then every row is locked, and all of them are written to the log at once.

What to do instead
------------------
Delete in chunks, by ranges of the key; keep a copy of what is deleted.

When it does not apply
----------------------
Tables that the same script created or emptied.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.conditions import changes_in, is_whole
from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.sql.names import name_of

HAZARD = Hazard.IRREVERSIBLE
AT_RUN_TIME = True
BAD = (
    Example(sql="DELETE FROM sessions;"),
    Example(sql="DELETE FROM sessions WHERE true;"),
    Example(sql="BEGIN; DELETE FROM ONLY sessions; COMMIT;"),
)
GOOD = (
    Example(sql="DELETE FROM sessions WHERE id = 7;"),
    Example(sql="CREATE TABLE fresh (a int); DELETE FROM fresh;"),
    Example(sql="DELETE FROM sessions WHERE id BETWEEN 1 AND 1000;"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each table of which all rows are deleted."""
    for change in changes_in(moment.statement):
        table = name_of(change.relation)
        if change.DESCRIPTOR.name == "DeleteStmt" and moment.live(table) and is_whole(change):
            yield Report(
                f"all rows of {table} are lost, in one transaction that locks every one of them",
                f"DELETE FROM {table} WHERE <key> BETWEEN <first> AND <last>;   -- chunk by chunk",
            )
