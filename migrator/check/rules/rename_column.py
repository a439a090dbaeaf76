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

from migrator.check.compatibility_views import takes_writes, view_in_place_of
from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.schema.changes import output_of
from migrator.sql.names import Name, quote

HAZARD = Hazard.BREAKS
AT_RUN_TIME = True
BAD = (
    Example(sql="ALTER TABLE customers RENAME COLUMN full_name TO display_name;"),
    Example(sql="ALTER TABLE customers RENAME full_name TO display_name;"),
    Example(sql="BEGIN; ALTER TABLE shop.customers RENAME COLUMN a TO b; COMMIT;"),
)
GOOD = (
    Example(
        sql=(
            "BEGIN; ALTER TABLE t RENAME COLUMN a TO b; ALTER TABLE t RENAME TO u; "
            "CREATE VIEW t AS SELECT id, b AS a FROM u; COMMIT;"
        ),
        setup="CREATE TABLE t (id int, a text);",
    ),
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
        known = moment.schema.is_new(table) or (table.name, old) in moment.schema.added
        if not (known or _kept_by_a_view(moment, table, old)):
            new = rename.name or ""
            yield Report(
                f"running code that uses {table}.{quote(old)} fails",
                f"1. expand: add {quote(new)} to {table}, with dual_write forward {{{quote(new)}: {quote(old)}}} and "
                f"backward {{{quote(old)}: {quote(new)}}}\n2. migrate: backfill {quote(new)}, release code with it\n"
                f"3. contract: ALTER TABLE {table} DROP COLUMN {quote(old)};",
            )


def _kept_by_a_view(moment: Moment, table: Name, column: str) -> bool:
    """Say whether the same transaction puts a view in place of the table that has the old name, and takes writes."""
    query = view_in_place_of(moment, table)
    return query is not None and takes_writes(query) and column in (output_of(moment.schema, query) or ())
