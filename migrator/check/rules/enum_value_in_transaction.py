"""A new enum value cannot be used in the transaction that adds it.

What it does
------------
Reports `ALTER TYPE ... ADD VALUE` in a transaction before PostgreSQL 12, and from 12 on a statement of the same
transaction that uses the new label.

Why it is bad
-------------
PostgreSQL refuses: before 12 the ADD VALUE itself (25001), later the use of the label (55P04).

What to do instead
------------------
Add the value in a transaction, or revision, of its own, and use it in the next.

When it does not apply
----------------------
Types that the same transaction created.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.sql.parser import find as find_nodes
from migrator.sql.parser import strings

HAZARD = Hazard.FAILS
BAD = (
    Example(sql="BEGIN; ALTER TYPE s ADD VALUE 'lost'; UPDATE shipments SET state = 'lost' WHERE id = 1; COMMIT;"),
    Example(sql="BEGIN; ALTER TYPE s ADD VALUE 'lost'; COMMIT;", pg_version=11),
    Example(
        sql="BEGIN; ALTER TYPE s ADD VALUE 'lost'; ALTER TABLE shipments ALTER COLUMN state SET DEFAULT 'lost'; COMMIT;"
    ),
)
GOOD = (
    Example(sql="BEGIN; ALTER TYPE s ADD VALUE 'lost'; COMMIT;"),
    Example(sql="ALTER TYPE s ADD VALUE 'lost'; UPDATE shipments SET state = 'lost' WHERE id = 1;"),
    Example(sql="ALTER TYPE s ADD VALUE 'lost';", pg_version=11),
)


_IN_TRANSACTION = 12


def find(moment: Moment) -> Iterator[Report]:
    """Yield the statement that PostgreSQL refuses."""
    adds = moment.statement.kind == "alter_enum_stmt" and not moment.tree.old_val
    if not moment.transaction.open or (adds and _is_new(moment)):
        return
    if adds and moment.version < _IN_TRANSACTION:
        yield Report("PostgreSQL refuses ADD VALUE inside a transaction before version 12", "commit before it")
    for label in moment.transaction.enum_values:
        if any(one.sval == label for one in find_nodes(moment.tree, "String")) and not adds:
            yield Report(
                f"PostgreSQL refuses the label '{label}' in the transaction that adds it (55P04)",
                f"COMMIT;\n{moment.statement.text};",
            )


def _is_new(moment: Moment) -> bool:
    return strings(moment.tree.type_name)[-1] in moment.transaction.types
