"""char(n) pads with blanks, and compares in ways nobody expects.

What it does
------------
Reports new columns of type char.

Why it is bad
-------------
Trailing blanks count in some operations and not in others; the length is no faster than text, and changing it
rewrites the table.

What to do instead
------------------
Use `text` with a check on its length.

When it does not apply
----------------------
varchar and text. Off by default: `--with char-column`.
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
    Example(sql="ALTER TABLE orders ADD COLUMN c char(2);"),
    Example(sql="CREATE TABLE a (c character(3));"),
    Example(sql="CREATE TABLE a (c char);"),
)
GOOD = (
    Example(sql="ALTER TABLE orders ADD COLUMN c varchar(2);"),
    Example(sql="CREATE TABLE a (c text);"),
    Example(sql='CREATE TABLE a (c "char");'),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each such column that the statement makes."""
    for table, column in new_columns(moment):
        if type_of(column.type_name).name == "bpchar":
            yield Report(f"{table}.{column.colname} is padded with blanks", f"{column.colname} text")
