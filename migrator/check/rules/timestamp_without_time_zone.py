"""A timestamp without time zone does not say which moment it means.

What it does
------------
Reports new columns of type timestamp.

Why it is bad
-------------
Sessions with different time zones write and read different moments, and changing the type later rewrites the table in
most time zones.

What to do instead
------------------
Use `timestamptz`.

When it does not apply
----------------------
timestamptz, date and time columns. Off by default: `--with timestamp-without-time-zone`.
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
    Example(sql="ALTER TABLE orders ADD COLUMN t timestamp;"),
    Example(sql="CREATE TABLE a (t timestamp(3));"),
    Example(sql="CREATE TABLE a (t timestamp without time zone);"),
)
GOOD = (
    Example(sql="ALTER TABLE orders ADD COLUMN t timestamptz;"),
    Example(sql="CREATE TABLE a (t date);"),
    Example(sql="CREATE TABLE a (t time);"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each such column that the statement makes."""
    for table, column in new_columns(moment):
        if type_of(column.type_name).name == "timestamp":
            yield Report(
                f"{table}.{column.colname} does not say which moment it means", f"{column.colname} timestamptz"
            )
