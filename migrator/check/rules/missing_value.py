"""An INSERT that leaves out a required column fails.

What it does
------------
Reports `INSERT` into a table, all of whose columns are known, that names neither a column that is NOT NULL without a
default nor gives it a value.

Why it is bad
-------------
PostgreSQL refuses the row (23502), and with it the script, or the revision.

What to do instead
------------------
Give the column a value.

When it does not apply
----------------------
Tables of which the script, the history and the schema given do not tell all columns; tables with triggers, which may
fill the column; domains, which may have a default of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.sql.column_type import read_type
from migrator.sql.context import Column, RelationKind, Table
from migrator.sql.names import name_of, quote

HAZARD = Hazard.FAILS
_SETUP = (
    "CREATE TABLE t (id int PRIMARY KEY, note text NOT NULL, n int NOT NULL DEFAULT 1, big bigserial, "
    "own int GENERATED ALWAYS AS IDENTITY, twice int GENERATED ALWAYS AS (n * 2) STORED NOT NULL);"
)
BAD = (
    Example(sql="INSERT INTO t (id) VALUES (1);", setup=_SETUP),
    Example(sql="INSERT INTO t (note) SELECT 'x';", setup=_SETUP),
    Example(sql="INSERT INTO t VALUES (1);", setup=_SETUP),
    Example(sql="INSERT INTO t DEFAULT VALUES;", setup=_SETUP),
)
GOOD = (
    Example(sql="INSERT INTO t (id, note) VALUES (1, 'x');", setup=_SETUP),
    Example(sql="INSERT INTO t VALUES (1, 'x');", setup=_SETUP),
    Example(sql="INSERT INTO unknown (id) VALUES (1);", setup=_SETUP),
    Example(
        sql="INSERT INTO t (id) VALUES (1);",
        setup=f"{_SETUP} CREATE TRIGGER fill BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION fill();",
    ),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each column that gets no value."""
    if moment.statement.kind != "insert_stmt" or moment.conditional:
        return
    table = moment.schema.table(name_of(moment.tree.relation))
    if table is None or table.kind is not RelationKind.TABLE or table.parents or not _is_known(moment, table):
        return
    given = _given(moment, table)
    for column in table.columns:
        if given is not None and column.name not in given and _is_required(moment, table, column):
            yield Report(
                f"PostgreSQL refuses it: {table.name}.{quote(column.name)} is NOT NULL and gets no value",
                f"give {quote(column.name)} a value",
            )


def _is_known(moment: Moment, table: Table) -> bool:
    return bool(table.columns) and moment.schema.is_whole(table.name) and not moment.schema.has_triggers(table.name)


def _given(moment: Moment, table: Table) -> frozenset[str] | None:
    """Return the columns that get a value; None where that cannot be told."""
    if moment.tree.cols:
        return frozenset(one.res_target.name for one in moment.tree.cols)
    if not moment.tree.HasField("select_stmt"):
        return frozenset()
    rows = moment.tree.select_stmt.select_stmt.values_lists
    if not rows:
        return None
    return frozenset(one.name for one in table.columns[: len(rows[0].list.items)])


def _is_required(moment: Moment, table: Table, column: Column) -> bool:
    in_key = any(one.kind == "primary key" and column.name in one.columns for one in table.constraints)
    has_value = column.generated or (table.name.name, column.name) in moment.schema.defaults
    type_ = read_type(column.type) if column.type else None
    return (column.not_null or in_key) and not has_value and type_ is not None and type_.built_in
