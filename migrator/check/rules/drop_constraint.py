"""A dropped constraint lets rows in that it kept out, and adding it again is a scan.

What it does
------------
Reports `DROP CONSTRAINT`.

Why it is bad
-------------
What it guaranteed does not hold any more for code that relies on it; of a foreign key both tables are locked for an
instant.

What to do instead
------------------
Drop it when no code relies on it; add it again NOT VALID and validate.

When it does not apply
----------------------
Off by default: `--with drop-constraint`. Constraints that the same script added.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard, Severity
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.sql.names import quote

HAZARD = Hazard.BREAKS
SEVERITY = Severity.WARNING
ON = False
BAD = (
    Example(sql="ALTER TABLE orders DROP CONSTRAINT q;"),
    Example(sql="ALTER TABLE orders DROP CONSTRAINT IF EXISTS q CASCADE;"),
    Example(sql="BEGIN; ALTER TABLE a DROP CONSTRAINT b; COMMIT;"),
)
GOOD = (
    Example(sql="CREATE TABLE f (a int CONSTRAINT c CHECK (a > 0)); ALTER TABLE f DROP CONSTRAINT c;"),
    Example(sql="ALTER TABLE orders ADD CONSTRAINT q CHECK (qty > 0) NOT VALID;"),
    Example(sql="SELECT 1;"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each constraint that no longer holds."""
    for table, command in moment.commands("AT_DropConstraint"):
        added = any(one.relation.same(table) and command.name in one.statement for one in moment.transaction.held)
        if not added and not moment.downgrade:
            yield Report(f"{quote(command.name)} does not hold any more on {table}", "")
