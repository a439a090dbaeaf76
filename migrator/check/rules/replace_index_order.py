"""An index is dropped before its replacement is there.

What it does
------------
Reports `CREATE INDEX` after the script dropped an index of the same table whose first column, as far as it is known,
is the same.

Why it is bad
-------------
Until the new index is built, queries that used the old one read the whole table.

What to do instead
------------------
Create the new index first, under another name, then drop the old one.

When it does not apply
----------------------
The dropped index is over other columns, or belongs to another table: told by the schema, else by its name.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.sql.context import Index
from migrator.sql.names import Name, name_of

HAZARD = Hazard.OPERABILITY
BAD = (
    Example(
        sql=(
            "DROP INDEX CONCURRENTLY orders_status_idx; "
            "CREATE INDEX CONCURRENTLY orders_status_placed ON orders (status, placed_at);"
        ),
    ),
    Example(sql="DROP INDEX CONCURRENTLY ix_orders_ref; CREATE INDEX CONCURRENTLY ix_orders_ref ON orders (ref);"),
    Example(
        sql="DROP INDEX CONCURRENTLY old; CREATE INDEX CONCURRENTLY new ON t (a, b);",
        setup="CREATE TABLE t (a int, b int); CREATE INDEX old ON t (a);",
    ),
)
GOOD = (
    Example(
        sql=(
            "CREATE INDEX CONCURRENTLY orders_status_placed ON orders (status, placed_at); "
            "DROP INDEX CONCURRENTLY orders_status_idx;"
        ),
    ),
    Example(sql="DROP INDEX CONCURRENTLY orders_status_idx; CREATE INDEX CONCURRENTLY orders_ref ON orders (ref);"),
    Example(
        sql="DROP INDEX CONCURRENTLY old; CREATE INDEX CONCURRENTLY new ON t (b);",
        setup="CREATE TABLE t (a int, b int); CREATE INDEX old ON t (a);",
    ),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the index that was dropped too early."""
    if moment.statement.kind != "index_stmt":
        return
    table = name_of(moment.tree.relation)
    columns = [one.index_elem.name for one in moment.tree.index_params if one.index_elem.name]
    for name, index in moment.schema.dropped_indexes if moment.live(table) and columns else ():
        if _served(name, index, table, columns[0]):
            yield Report(
                f"queries that used {name} read all of {table} until the new index is there",
                f"{moment.statement.text};   -- under a name of its own\nDROP INDEX CONCURRENTLY {name};",
            )


def _served(name: Name, index: Index | None, table: Name, column: str) -> bool:
    """Say whether the dropped index served queries by `column`; where it is not known, its name tells."""
    if index is not None:
        return index.table.same(table) and index.columns[:1] == (column,)
    words = name.name.split("_")
    return column in name.name and (table.name in name.name or words[0] in ("idx", "ix"))
