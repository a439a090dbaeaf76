"""LOCK TABLE in a strong mode keeps readers or writers away until the commit.

What it does
------------
Reports `LOCK TABLE` in SHARE mode or stronger; without a mode it is ACCESS EXCLUSIVE.

Why it is bad
-------------
Everybody who conflicts waits for the rest of the transaction.

What to do instead
------------------
Most schema changes take the lock they need by themselves, for an instant. Where rows must not change meanwhile, lock
rows, or use SHARE UPDATE EXCLUSIVE, which only keeps other schema changes away.

When it does not apply
----------------------
Weaker modes, and tables that the same script created.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report

HAZARD = Hazard.BLOCKS
BAD = (
    Example(sql="BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE; COMMIT;"),
    Example(sql="BEGIN; LOCK orders; COMMIT;"),
    Example(sql="BEGIN; LOCK TABLE a, b IN SHARE MODE; COMMIT;"),
)
GOOD = (
    Example(sql="BEGIN; LOCK TABLE orders IN SHARE UPDATE EXCLUSIVE MODE; COMMIT;"),
    Example(sql="BEGIN; CREATE TABLE fresh (a int); LOCK TABLE fresh; COMMIT;"),
    Example(sql="BEGIN; SELECT 1 FROM orders WHERE id = 1 FOR UPDATE; COMMIT;"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each table that is locked by hand."""
    if moment.statement.kind == "lock_stmt":
        if not moment.transaction.open:
            yield Report("PostgreSQL refuses LOCK TABLE outside a transaction", f"BEGIN;\n{moment.statement.text};")
        for lock in moment.live_locks():
            waits = "reads and writes" if lock.mode.blocks_reads else "writes"
            yield Report(
                f"{waits} of {lock.relation} wait until this transaction ends",
                f"LOCK TABLE {lock.relation} IN SHARE UPDATE EXCLUSIVE MODE;   -- or no lock at all",
            )
