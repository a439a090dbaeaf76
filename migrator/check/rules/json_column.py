"""A json column breaks DISTINCT, GROUP BY and UNION over its rows.

What it does
------------
Reports new columns of type json.

Why it is bad
-------------
json has no equality operator: a query that compares whole rows fails as soon as the column is there. It is parsed at
every access, too.

What to do instead
------------------
Use `jsonb`.

When it does not apply
----------------------
jsonb columns. Off by default: `--with json-column`.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard, Severity
from migrator.check.moment import Moment
from migrator.check.new_columns import new_columns
from migrator.check.rule import Example, Report
from migrator.sql.column_type import type_of

HAZARD = Hazard.STYLE
SEVERITY = Severity.WARNING
ON = False
BAD = (
    Example(sql="ALTER TABLE orders ADD COLUMN j json;"),
    Example(sql="CREATE TABLE a (j json);"),
    Example(sql="CREATE TABLE a (i int, j json NOT NULL);"),
)
GOOD = (
    Example(sql="ALTER TABLE orders ADD COLUMN j jsonb;"),
    Example(sql="CREATE TABLE a (j jsonb);"),
    Example(sql="SELECT '{}'::json;"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each such column that the statement makes."""
    for table, column in new_columns(moment):
        if type_of(column.type_name).name == "json":
            yield Report(f"{table}.{column.colname} has no equality operator", f"{column.colname} jsonb")
