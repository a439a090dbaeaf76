"""Without a statement_timeout a statement that takes longer than thought holds its lock for as long as it takes.

What it does
------------
Reports statements that lock a table in use against writes while no `statement_timeout` is in force.

Why it is bad
-------------
`lock_timeout` limits the wait for the lock only. A scan or a rewrite that nobody foresaw keeps everybody out until it
is done or somebody notices.

What to do instead
------------------
    SET statement_timeout = '5s';

before it.

When it does not apply
----------------------
What migrator runs, `--runner-sets-timeouts`, concurrent builds, and tables that the same script created. Off by
default: `--with missing-statement-timeout`.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard, Severity
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report

HAZARD = Hazard.OPERABILITY
SEVERITY = Severity.WARNING
ON = False
BAD = (
    Example(sql="ALTER TABLE customers ADD COLUMN a text;", timeouts=False),
    Example(sql="SET lock_timeout = '2s'; ALTER TABLE customers ADD COLUMN a text;", timeouts=False),
    Example(sql="SET statement_timeout = 0; ALTER TABLE customers ADD COLUMN a text;"),
)
GOOD = (
    Example(sql="ALTER TABLE customers ADD COLUMN a text;"),
    Example(sql="SET statement_timeout = '5s'; ALTER TABLE customers ADD COLUMN a text;", timeouts=False),
    Example(sql="CREATE TABLE fresh (a int); ALTER TABLE fresh ADD COLUMN b int;", timeouts=False),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the statement that may run for ever."""
    locks = moment.live_locks()
    if moment.by_migrator or not moment.effect.transactional or not locks:
        return
    timeout = moment.transaction.timeout("statement_timeout")
    if timeout == 0 or (timeout is None and not moment.options.runner_sets_timeouts):
        yield Report(
            f"{locks[0].relation} stays locked for as long as the statement takes: no statement_timeout is set",
            f"SET statement_timeout = '5s';\n{moment.statement.text};",
        )
