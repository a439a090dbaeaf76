"""A renamed column is missing to the code that still uses the old name.

What it does
------------
Reports `RENAME COLUMN`, and renamed attributes of types.

Why it is bad
-------------
Between the migration and the last restart of old code, every query with the old name fails; renaming it after the
release instead breaks the new code.

What to do instead
------------------
Add a column with the new name, keep both filled with `dual_write`, fill it in chunks, switch the code, drop the old
column.

When it does not apply
----------------------
Tables that the same script created, columns that it added, views.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.sql.names import quote

HAZARD = Hazard.BREAKS
AT_RUN_TIME = True
BAD = (
    Example(sql="ALTER TABLE customers RENAME COLUMN full_name TO display_name;"),
    Example(sql="ALTER TABLE customers RENAME full_name TO display_name;"),
    Example(sql="BEGIN; ALTER TABLE shop.customers RENAME COLUMN a TO b; COMMIT;"),
)
GOOD = (
    Example(sql="CREATE TABLE fresh (n int); ALTER TABLE fresh RENAME COLUMN n TO qty;"),
    Example(sql="ALTER INDEX orders_ref_idx RENAME TO orders_ref;"),
    Example(sql="ALTER TABLE orders RENAME CONSTRAINT a TO b;"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each column that code may know by its old name."""
    for rename in moment.effect.renames:
        old, table = rename.what.member, rename.what.name
        if rename.what.kind not in ("column", "attribute") or not old or moment.downgrade:
            continue
        if not (moment.schema.is_new(table) or (table.name, old) in moment.schema.added):
            new = rename.name or ""
            yield Report(
                f"running code that uses {table}.{quote(old)} fails",
                f"1. expand: add {quote(new)} to {table}, with dual_write forward {{{quote(new)}: {quote(old)}}} and "
                f"backward {{{quote(old)}: {quote(new)}}}\n2. migrate: backfill {quote(new)}, release code with it\n"
                f"3. contract: ALTER TABLE {table} DROP COLUMN {quote(old)};",
            )
