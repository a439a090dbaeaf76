"""A transaction that is never committed is rolled back at the end.

What it does
------------
Reports a script that ends while the transaction it began with `BEGIN` is open.

Why it is bad
-------------
psql closes the connection, PostgreSQL rolls back, and the exit code is 0: the migration looks applied and is not.

What to do instead
------------------
End the script with `COMMIT`.

When it does not apply
----------------------
Transactions that the runner begins, as Alembic does.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.transaction import ENDS

HAZARD = Hazard.OPERABILITY
BAD = (
    Example(sql="BEGIN; CREATE TABLE ledger (id int);"),
    Example(sql="BEGIN; SELECT 1; COMMIT; BEGIN;"),
    Example(sql="START TRANSACTION; CREATE TABLE a (b int); SAVEPOINT s;"),
)
GOOD = (
    Example(sql="BEGIN; CREATE TABLE ledger (id int); COMMIT;"),
    Example(sql="CREATE TABLE ledger (id int);"),
    Example(sql="BEGIN; CREATE TABLE ledger (id int); ROLLBACK;"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the last statement of a script that leaves a transaction open."""
    control = moment.effect.transaction_control
    left_open = control in ("BEGIN", "START") or (moment.transaction.explicit and control not in ENDS)
    if not moment.following and left_open:
        yield Report("the script ends inside the transaction it began: all of it is rolled back", "COMMIT;")
