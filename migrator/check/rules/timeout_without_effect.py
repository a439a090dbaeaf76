"""SET LOCAL outside a transaction changes nothing.

What it does
------------
Reports `SET LOCAL lock_timeout` and `SET LOCAL statement_timeout` where no transaction is open.

Why it is bad
-------------
PostgreSQL answers with a warning only; the statements that follow run without the timeout that was meant for them.

What to do instead
------------------
Put `BEGIN` before it, or write `SET` without LOCAL.

When it does not apply
----------------------
Inside a transaction, that of an Alembic revision included.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.transaction import TIMEOUTS

HAZARD = Hazard.OPERABILITY
BAD = (
    Example(sql="SET LOCAL lock_timeout = '2s'; ALTER TABLE orders ADD COLUMN a int;"),
    Example(sql="SET LOCAL statement_timeout = '1min';"),
    Example(sql="BEGIN; COMMIT; SET LOCAL lock_timeout = '2s';"),
)
GOOD = (
    Example(sql="BEGIN; SET LOCAL lock_timeout = '2s'; COMMIT;"),
    Example(sql="SET lock_timeout = '2s';"),
    Example(sql="BEGIN; SELECT set_config('lock_timeout', '2s', true); COMMIT;"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each timeout that is set for a transaction that does not exist."""
    if moment.transaction.open:
        return
    for setting in moment.effect.changes_settings:
        if setting.local and setting.name in TIMEOUTS:
            yield Report(
                f"SET LOCAL {setting.name} has no effect outside a transaction",
                f"SET {setting.name} = '{setting.value}';",
            )
