"""Another tablespace, access method or LOGGED setting copies the table while it is locked.

What it does
------------
Reports `SET TABLESPACE`, `SET LOGGED`, `SET UNLOGGED` and `SET ACCESS METHOD`.

Why it is bad
-------------
All files of the table are written anew under ACCESS EXCLUSIVE.

What to do instead
------------------
Create a table with the new storage, fill it in chunks while triggers keep it up to date, swap the names.

When it does not apply
----------------------
Storage parameters such as fillfactor, and tables without rows.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import stalls

HAZARD = Hazard.REWRITES
BAD = (
    Example(sql="ALTER TABLE orders SET TABLESPACE fast;"),
    Example(sql="ALTER TABLE orders SET UNLOGGED;"),
    Example(sql="ALTER TABLE orders SET LOGGED;"),
    Example(sql="ALTER TABLE orders SET ACCESS METHOD heap2;"),
)
GOOD = (
    Example(sql="ALTER TABLE orders SET (fillfactor = 80);"),
    Example(sql="CREATE TABLE fresh (a int); ALTER TABLE fresh SET UNLOGGED;"),
    Example(sql="ALTER TABLE orders ALTER COLUMN note SET STORAGE EXTERNAL;"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the work that users of the table would wait for."""
    return stalls(moment, "set-tablespace", "set-logged", "set-unlogged", "set-access-method")
