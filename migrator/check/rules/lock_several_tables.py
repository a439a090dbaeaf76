"""One transaction that locks several tables in use can deadlock, and the slowest holds all.

What it does
------------
Reports a statement that locks a table against writes while an earlier one of the same transaction still holds such a
lock on another.

Why it is bad
-------------
The transaction waits for the second lock while everybody waits for the first; an application that takes them in the
other order deadlocks with it.

What to do instead
------------------
One table per transaction, or per revision.

When it does not apply
----------------------
Tables that the same script created, and several locks taken by one statement. migrator gives each busy table a
transaction of its own. A downgrade may drop several tables and sequences: those that its
upgrade made.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard, Severity
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import MADE_SAFE

HAZARD = Hazard.BLOCKS
BAD = (
    Example(
        sql="BEGIN; ALTER TABLE customers ADD COLUMN vip boolean; ALTER TABLE orders ADD COLUMN vip boolean; COMMIT;"
    ),
    Example(sql="BEGIN; LOCK TABLE a; ALTER TABLE b ADD COLUMN c int; COMMIT;"),
    Example(sql="DO $$ BEGIN ALTER TABLE a ADD COLUMN x int; ALTER TABLE b ADD COLUMN x int; END $$;"),
)
GOOD = (
    Example(sql="ALTER TABLE customers ADD COLUMN vip boolean; ALTER TABLE orders ADD COLUMN vip boolean;"),
    Example(
        sql=(
            "BEGIN; ALTER TABLE customers ADD COLUMN vip boolean; COMMIT; BEGIN; "
            "ALTER TABLE orders ADD COLUMN vip boolean; COMMIT;"
        ),
    ),
    Example(
        sql=(
            "BEGIN; CREATE TABLE perks (id int); ALTER TABLE perks ADD COLUMN n int; "
            "ALTER TABLE customers ADD COLUMN perk int; COMMIT;"
        ),
    ),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the first table that is locked on top of another."""
    held = moment.transaction.held
    if not held or moment.effect.transaction_control:
        return
    others = {lock.relation for lock in moment.live_locks() if lock.relation and not moment.is_view(lock.relation)}
    undone = [one.name for one in moment.effect.drops if one.kind in ("table", "sequence")] if moment.downgrade else []
    for relation in sorted(one for one in others if not any(one.same(gone) for gone in undone)):
        if not any(one.relation.same(relation) for one in held) and moment.schema.index(relation) is None:
            safe = moment.parted
            yield Report(
                f"{relation} is locked while {held[0].relation} still is: who uses both can deadlock, and all wait for "
                "the slower of the two",
                f"COMMIT;\n{moment.statement.text};   -- one table per transaction",
                Severity.INFO if safe else None,
                MADE_SAFE if safe else "",
            )
            return
