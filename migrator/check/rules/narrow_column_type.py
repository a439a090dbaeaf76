"""A narrower type cuts values off, or fails on the first that does not fit.

What it does
------------
Reports a change from a known type to one that holds less: shorter texts, smaller integers, fewer digits, floating
point for numeric, a date for a timestamp, no time zone.

Why it is bad
-------------
What was cut off or rounded cannot be brought back by a downgrade.

What to do instead
------------------
Keep the type and add a check for new values; or add a new column, copy in chunks, and archive the old one.

When it does not apply
----------------------
The present type is not known from the script or from `--schema`, and tables without rows.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.schema.columns import type_sql
from migrator.check.widths import loses
from migrator.sql.column_type import read_type, type_of
from migrator.sql.commands import definition
from migrator.sql.names import quote

HAZARD = Hazard.IRREVERSIBLE
AT_RUN_TIME = True
BAD = (
    Example(
        sql="ALTER TABLE customers ALTER COLUMN email TYPE varchar(40);",
        setup="CREATE TABLE customers (email varchar(80));",
    ),
    Example(
        sql="ALTER TABLE customers ALTER COLUMN credit TYPE double precision;",
        setup="CREATE TABLE customers (credit numeric(10,2));",
    ),
    Example(sql="ALTER TABLE customers ALTER COLUMN big TYPE int;", setup="CREATE TABLE customers (big bigint);"),
)
GOOD = (
    Example(
        sql="ALTER TABLE customers ALTER COLUMN email TYPE varchar(320);",
        setup="CREATE TABLE customers (email varchar(80));",
    ),
    Example(
        sql="ALTER TABLE customers ALTER COLUMN tier TYPE bigint;", setup="CREATE TABLE customers (tier smallint);"
    ),
    Example(
        sql="ALTER TABLE customers ALTER COLUMN email TYPE text;", setup="CREATE TABLE customers (email varchar(80));"
    ),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each column whose values may not fit any more."""
    for table, command in moment.commands("AT_AlterColumnType"):
        column = moment.schema.known(table).column(command.name)
        old, new = read_type(column.type) if column and column.type else None, type_of(definition(command).type_name)
        if old is not None and not moment.downgrade and loses(old, new):
            name = quote(command.name)
            yield Report(
                f"values of {table}.{name} that do not fit {type_sql(definition(command).type_name)} are lost",
                f"ALTER TABLE {table} ADD CHECK (<what {name} may hold from now on>) NOT VALID;   -- and keep the type",
            )
