"""A constraint without a name gets one that the downgrade has to guess.

What it does
------------
Reports `ADD CONSTRAINT` and `CREATE INDEX` without a name.

Why it is bad
-------------
PostgreSQL chooses a name, and another one where it is taken: later statements that alter or drop the constraint fail
on some databases.

What to do instead
------------------
Name it, or give the metadata a naming convention.

When it does not apply
----------------------
Constraints inside CREATE TABLE. Off by default: `--with unnamed-constraint`.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard, Severity
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.sql.commands import definition
from migrator.sql.names import name_of

HAZARD = Hazard.STYLE
SEVERITY = Severity.WARNING
ON = False
BAD = (
    Example(sql="ALTER TABLE orders ADD CHECK (qty > 0) NOT VALID;"),
    Example(sql="CREATE INDEX CONCURRENTLY ON orders (note);"),
    Example(sql="ALTER TABLE orders ADD UNIQUE (ref);"),
)
GOOD = (
    Example(sql="ALTER TABLE orders ADD CONSTRAINT q CHECK (qty > 0) NOT VALID;"),
    Example(sql="CREATE INDEX CONCURRENTLY i ON orders (note);"),
    Example(sql="CREATE TABLE a (b int UNIQUE);"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield what was added without a name."""
    if moment.statement.kind == "index_stmt" and not moment.tree.idxname:
        yield Report(f"the index on {name_of(moment.tree.relation)} has no name", "CREATE INDEX <name> ON ...")
    for table, command in moment.commands("AT_AddConstraint"):
        if not definition(command).conname:
            yield Report(f"the constraint on {table} has no name", f"ALTER TABLE {table} ADD CONSTRAINT <name> ...")
