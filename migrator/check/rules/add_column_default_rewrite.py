"""Before PostgreSQL 11 every new column with a default rewrites the table.

What it does
------------
Reports `ADD COLUMN ... DEFAULT` for servers before PostgreSQL 11.

Why it is bad
-------------
The value is written into every row under ACCESS EXCLUSIVE.

What to do instead
------------------
Add the column without a default, set the default for new rows, fill the old ones in chunks.

When it does not apply
----------------------
From PostgreSQL 11 on a default that is the same for all rows is stored once in the catalog.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.schema.columns import has_value, kinds_of, type_sql
from migrator.sql.commands import definition
from migrator.sql.names import quote

HAZARD = Hazard.REWRITES
BAD = (
    Example(sql="ALTER TABLE customers ADD COLUMN loyalty int DEFAULT 25;", pg_version=10),
    Example(sql="ALTER TABLE customers ADD COLUMN a text NOT NULL DEFAULT 'x';", pg_version=10),
    Example(sql="ALTER TABLE customers ADD COLUMN a timestamptz DEFAULT now();", pg_version=10),
)
GOOD = (
    Example(sql="ALTER TABLE customers ADD COLUMN loyalty int DEFAULT 25;", pg_version=11),
    Example(sql="ALTER TABLE customers ADD COLUMN loyalty int DEFAULT NULL;", pg_version=10),
    Example(sql="CREATE TABLE f (a int); ALTER TABLE f ADD COLUMN b int DEFAULT 1;", pg_version=10),
)


_STORED_ONCE = 11


def find(moment: Moment) -> Iterator[Report]:
    """Yield each new column with a default, on a server that writes it into every row."""
    if moment.version >= _STORED_ONCE or any(moment.works("add-column-volatile-default")):
        return
    for table, command in moment.commands("AT_AddColumn"):
        column = definition(command)
        if "CONSTR_DEFAULT" in kinds_of(column) and has_value(column):
            name = quote(column.colname)
            yield Report(
                f"{table} is written anew while reads and writes of it wait: the default of {name} goes into every row",
                f"1. ALTER TABLE {table} ADD COLUMN {name} {type_sql(column.type_name)};\n"
                f"2. ALTER TABLE {table} ALTER COLUMN {name} SET DEFAULT ...;\n"
                f"3. backfill {table} in chunks where {name} IS NULL",
            )
