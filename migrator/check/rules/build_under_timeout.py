"""A short timeout cancels a concurrent build and leaves an INVALID index.

What it does
------------
Reports `CREATE INDEX CONCURRENTLY` and `REINDEX CONCURRENTLY` while the script's `statement_timeout` is shorter than
10 minutes.

Why it is bad
-------------
The build takes as long as the table is large. When it is cancelled the index stays behind: never used, always
maintained, and in the way of IF NOT EXISTS.

What to do instead
------------------
    SET statement_timeout = 0;

before it. A `lock_timeout` can cancel it too, as it counts the wait for older transactions: set that to 0 as well.

When it does not apply
----------------------
What migrator runs: it watches the build by itself. Timeouts that the script does not set.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report

HAZARD = Hazard.OPERABILITY
BAD = (
    Example(sql="SET statement_timeout = '5s'; CREATE INDEX CONCURRENTLY i ON orders (note);"),
    Example(sql="SET statement_timeout = 1000; REINDEX INDEX CONCURRENTLY i;"),
    Example(sql="SET lock_timeout = '2s'; CREATE INDEX CONCURRENTLY i ON orders (note);"),
    Example(sql="SET statement_timeout TO '1min'; CREATE UNIQUE INDEX CONCURRENTLY i ON orders (ref);"),
)
GOOD = (
    Example(sql="SET statement_timeout = 0; CREATE INDEX CONCURRENTLY i ON orders (note);"),
    Example(sql="CREATE INDEX CONCURRENTLY i ON orders (note);"),
    Example(
        sql="SET lock_timeout = '2s'; ALTER TABLE orders ADD a int; SET lock_timeout = 0; REINDEX INDEX CONCURRENTLY i;"
    ),
    Example(sql="SET statement_timeout = '5s'; RESET statement_timeout; CREATE INDEX CONCURRENTLY i ON orders (note);"),
)


_SHORT = 600_000
_CANCELS = {
    "statement_timeout": "a longer build",
    "lock_timeout": "a build that waits longer for a transaction older than itself",
}


def find(moment: Moment) -> Iterator[Report]:
    """Yield the build that will not have the time it needs."""
    concurrent = moment.effect.kind in ("CREATE INDEX CONCURRENTLY", "REINDEX CONCURRENTLY")
    for name, reason in _CANCELS.items() if concurrent and not moment.by_migrator else ():
        timeout = moment.transaction.timeout(name)
        if timeout and timeout < _SHORT:
            yield Report(
                f"{name} is {timeout / 1000:g} s: {reason} is cancelled and leaves an INVALID index",
                f"SET {name} = 0;\n{moment.statement.text};",
            )
