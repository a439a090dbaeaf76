"""A NOT NULL column without a default cannot be added to a table with rows.

What it does
------------
Reports `ADD COLUMN ... NOT NULL` that brings no value along.

Why it is bad
-------------
The statement fails as soon as there is a row; on an empty table the INSERTs of code that does not know the column
fail.

What to do instead
------------------
Add it with a constant default, which costs nothing from PostgreSQL 11 on; or add it nullable, fill it in chunks, make
it NOT NULL later. Keep the default until all running code writes the column.

When it does not apply
----------------------
Tables that the same script created.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.schema.columns import has_value, is_required, type_sql
from migrator.sql.commands import definition
from migrator.sql.names import quote

HAZARD = Hazard.FAILS
BAD = (
    Example(sql="ALTER TABLE orders ADD COLUMN channel text NOT NULL;"),
    Example(sql="ALTER TABLE orders ADD COLUMN channel text DEFAULT NULL NOT NULL;"),
    Example(sql="ALTER TABLE orders ADD COLUMN code int PRIMARY KEY;"),
)
GOOD = (
    Example(sql="ALTER TABLE orders ADD COLUMN channel text NOT NULL DEFAULT 'web';"),
    Example(sql="ALTER TABLE orders ADD COLUMN channel text;"),
    Example(
        sql=(
            "BEGIN; CREATE TABLE fresh (id bigint PRIMARY KEY, note text, n int); "
            "ALTER TABLE fresh ADD COLUMN label text NOT NULL; COMMIT;"
        ),
    ),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each column that old rows and old code have no value for."""
    for table, command in moment.commands("AT_AddColumn"):
        column = definition(command)
        if is_required(column) and not has_value(column):
            name, type_ = quote(column.colname), type_sql(column.type_name)
            yield Report(
                f"rows of {table} have no value for {name}, and running code that does not know it inserts none",
                f"1. ALTER TABLE {table} ADD COLUMN {name} {type_};\n"
                f"2. backfill {table} in chunks where {name} IS NULL\n"
                f"3. once all running code writes it: ALTER TABLE {table} ALTER COLUMN {name} SET NOT NULL;",
            )
