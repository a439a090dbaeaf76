"""LOCK TABLE in a strong mode, or FOR UPDATE of all rows, keeps others away until the commit.

What it does
------------
Reports `LOCK TABLE` in SHARE mode or stronger; without a mode it is ACCESS EXCLUSIVE. Reports `SELECT ... FOR UPDATE`
and `FOR NO KEY UPDATE` of every row of a table.

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
from migrator.sql.classify import classify
from migrator.sql.classify.queries import relations_in
from migrator.sql.parser import field_enum

HAZARD = Hazard.BLOCKS
BAD = (
    Example(sql="BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE; COMMIT;"),
    Example(sql="BEGIN; LOCK orders; COMMIT;"),
    Example(sql="BEGIN; LOCK orders NOWAIT; DELETE FROM orders WHERE id < 9; COMMIT;"),
    Example(sql="BEGIN; LOCK TABLE a, b IN SHARE MODE; COMMIT;"),
    Example(sql="BEGIN; SELECT id FROM orders FOR UPDATE; COMMIT;"),
)
GOOD = (
    Example(sql="BEGIN; LOCK TABLE orders IN SHARE UPDATE EXCLUSIVE MODE; COMMIT;"),
    Example(sql="BEGIN; LOCK TABLE orders NOWAIT; ALTER TABLE orders ADD COLUMN due date; COMMIT;"),
    Example(sql="BEGIN; CREATE TABLE fresh (a int); LOCK TABLE fresh; COMMIT;"),
    Example(sql="BEGIN; SELECT 1 FROM orders LIMIT 50 FOR UPDATE SKIP LOCKED; COMMIT;"),
    Example(sql="BEGIN; SELECT 1 FROM orders WHERE id = 1 FOR UPDATE; COMMIT;"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each table that is locked by hand."""
    yield from _rows(moment)
    if moment.statement.kind == "lock_stmt":
        if not moment.transaction.open:
            yield Report("PostgreSQL refuses LOCK TABLE outside a transaction", f"BEGIN;\n{moment.statement.text};")
        for lock in () if _is_brief(moment) else moment.live_locks():
            waits = "reads and writes" if lock.mode.blocks_reads else "writes"
            yield Report(
                f"{waits} of {lock.relation} wait until this transaction ends",
                f"LOCK TABLE {lock.relation} IN SHARE UPDATE EXCLUSIVE MODE;   -- or no lock at all",
            )


def _is_brief(moment: Moment) -> bool:
    """Say whether it waits for nobody, and only what is done in an instant follows before the commit."""
    return bool(moment.tree.nowait) and all(
        one.kind in _DEFINES and not classify(one, moment.schema).work for one in moment.rest_of_transaction()
    )


_DEFINES = frozenset({"alter_table_stmt", "comment_stmt", "create_trig_stmt", "rename_stmt", "drop_stmt"})


def _rows(moment: Moment) -> Iterator[Report]:
    if moment.statement.kind != "select_stmt" or not moment.transaction.open:
        return
    tree = moment.tree
    strong = any(field_enum(one.locking_clause, "strength") in _STRONG for one in tree.locking_clause)
    limited = tree.HasField("where_clause") or tree.HasField("limit_count")
    for table in relations_in(tree) if strong and not limited else ():
        if moment.live(table):
            yield Report(
                f"writes of every row of {table} wait until this transaction ends",
                f"{moment.statement.text} LIMIT <rows>;   -- chunk by chunk, a transaction for each",
            )


_STRONG = frozenset({"LCS_FORUPDATE", "LCS_FORNOKEYUPDATE"})
