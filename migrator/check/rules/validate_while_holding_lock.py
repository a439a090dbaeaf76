"""VALIDATE CONSTRAINT in the transaction that locked the table keeps everybody waiting.

What it does
------------
Reports `VALIDATE CONSTRAINT` after a statement of the same transaction took a strong lock on the table, that of
adding the constraint included.

Why it is bad
-------------
Validation itself lets reads and writes pass; but the lock of the earlier statement is held until the commit, through
the whole scan.

What to do instead
------------------
Commit first: validate in a transaction, or a revision, of its own.

When it does not apply
----------------------
What migrator runs: it validates in a transaction of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard, Severity
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import MADE_SAFE
from migrator.check.transaction import Held
from migrator.check.wording import one_line
from migrator.sql.names import name_of
from migrator.sql.online.form import OnlineForm
from migrator.sql.parser import field_enum

HAZARD = Hazard.SCANS
BAD = (
    Example(
        sql=(
            "BEGIN; ALTER TABLE orders ADD CONSTRAINT q CHECK (qty > 0) NOT VALID; "
            "ALTER TABLE orders VALIDATE CONSTRAINT q; COMMIT;"
        ),
    ),
    Example(sql="BEGIN; ALTER TABLE orders ADD COLUMN memo text; ALTER TABLE orders VALIDATE CONSTRAINT q; COMMIT;"),
    Example(
        sql=(
            "BEGIN; ALTER TABLE payments ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES orders NOT VALID; "
            "ALTER TABLE payments VALIDATE CONSTRAINT f; COMMIT;"
        ),
    ),
    Example(sql="ALTER TABLE orders ADD CONSTRAINT q CHECK (qty > 0) NOT VALID, VALIDATE CONSTRAINT q;"),
)
GOOD = (
    Example(
        sql="ALTER TABLE orders ADD CONSTRAINT q CHECK (qty > 0) NOT VALID; ALTER TABLE orders VALIDATE CONSTRAINT q;"
    ),
    Example(sql="BEGIN; ALTER TABLE orders VALIDATE CONSTRAINT q; COMMIT;"),
    Example(
        sql=(
            "BEGIN; ALTER TABLE other ADD COLUMN a int; COMMIT; BEGIN; "
            "ALTER TABLE orders VALIDATE CONSTRAINT q; COMMIT;"
        ),
    ),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the lock that is held through the scan."""
    if not any(work.rule == "validate-constraint" and moment.live(work.relation) for work in moment.effect.work):
        return
    table = name_of(moment.tree.relation)
    held = next((one for one in _held(moment) if one.relation.same(table)), None)
    if held is not None:
        alone = not moment.transaction.explicit
        safe = moment.by_itself and alone and (isinstance(moment.online, OnlineForm) or _is_alone(moment))
        waits = "reads and writes" if held.mode.blocks_reads else "writes"
        yield Report(
            f"{waits} of {table} wait during the scan: {held.mode.words} is held since {one_line(held.statement)}",
            f"COMMIT;\n{moment.statement.text};   -- in a transaction of its own",
            Severity.INFO if safe else None,
            MADE_SAFE if safe else "",
        )


def _held(moment: Moment) -> Iterator[Held]:
    """Yield the locks that last through the scan: those held before, and that of another part of the statement."""
    yield from moment.transaction.held
    for lock in () if _is_alone(moment) else moment.live_locks():
        if lock.relation and lock.mode.blocks_writes:
            yield Held(lock.relation, lock.mode, "the same statement")


def _is_alone(moment: Moment) -> bool:
    """Say whether the statement does nothing but validate."""
    return all(field_enum(one.alter_table_cmd, "subtype") == "AT_ValidateConstraint" for one in moment.tree.cmds)
