"""Without a lock_timeout a waiting statement holds up everybody who comes after it.

What it does
------------
Reports statements that need a strong lock on a table in use while no `lock_timeout` is in force, it is 0, or it is
longer than 10 seconds; also one that is set too late.

Why it is bad
-------------
The statement waits behind the longest query on the table, and every later query, reads included, waits behind the
statement.

What to do instead
------------------
    SET lock_timeout = '2s';

before it, and try again when it fails. migrator does both.

When it does not apply
----------------------
What migrator runs, `--runner-sets-timeouts`, concurrent builds, and tables that the same script created.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report

HAZARD = Hazard.BLOCKS
BAD = (
    Example(sql="ALTER TABLE customers ADD COLUMN a text;", timeouts=False),
    Example(sql="SET lock_timeout = 0; ALTER TABLE customers ADD COLUMN a text;"),
    Example(sql="SET LOCAL lock_timeout = '2s'; ALTER TABLE customers ADD COLUMN a text;", timeouts=False),
    Example(sql="ALTER TABLE customers ADD COLUMN a text; SET lock_timeout = '2s';", timeouts=False),
    Example(sql="SET lock_timeout = '5min'; ALTER TABLE customers ADD COLUMN a text;", timeouts=False),
)
GOOD = (
    Example(sql="ALTER TABLE customers ADD COLUMN a text;"),
    Example(sql="SET lock_timeout = '2s'; ALTER TABLE customers ADD COLUMN a text;", timeouts=False),
    Example(
        sql="BEGIN; SET LOCAL lock_timeout = 2000; ALTER TABLE customers ADD COLUMN a text; COMMIT;", timeouts=False
    ),
    Example(sql="CREATE INDEX CONCURRENTLY i ON orders (note);", timeouts=False),
    Example(sql="CREATE TABLE fresh (a int); ALTER TABLE fresh ADD COLUMN b int;", timeouts=False),
)


_LONGEST = 10_000


def find(moment: Moment) -> Iterator[Report]:
    """Yield the statement that may wait for ever, once per script and reason."""
    locks = moment.live_locks()
    if moment.by_migrator or not moment.effect.transactional or not (locks or _unnamed(moment)):
        return
    timeout = moment.transaction.timeout("lock_timeout")
    if timeout is None and (moment.options.runner_sets_timeouts or moment.transaction.held):
        return
    if timeout is None or timeout == 0 or timeout > _LONGEST:
        table = locks[0].relation if locks else "its table"
        why = "no lock_timeout is set" if not timeout else f"lock_timeout is {timeout / 1000:g} s"
        yield Report(
            f"while it waits for its lock on {table}, all later queries of it wait behind it: {why}",
            f"SET lock_timeout = '2s';\n{moment.statement.text};",
        )


def _unnamed(moment: Moment) -> bool:
    """Say whether it is an index that is dropped, whose table the text does not name."""
    return moment.statement.kind == "drop_stmt" and any(
        lock.role.startswith("the table of index") and lock.mode.blocks_writes for lock in moment.effect.locks
    )
