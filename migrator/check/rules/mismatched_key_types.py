"""A foreign key whose column has another type than the one it points to runs out of numbers before that does.

What it does
------------
Reports foreign keys between columns of different types, where both are known.

Why it is bad
-------------
An integer column cannot hold the later keys of a bigint one: inserts fail on the day they are reached. Joins convert
values, and changing the type afterwards rewrites the table.

What to do instead
------------------
Give the column the type of the one it points to, while it is empty.

When it does not apply
----------------------
text and varchar of any length go together. What is not known of either table is not judged.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.afterwards import schema_with
from migrator.check.finding import Hazard, Severity
from migrator.check.foreign_keys import ForeignKey, foreign_keys
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.schema.schema import Schema
from migrator.sql.column_type import read_type
from migrator.sql.context import Table
from migrator.sql.names import quote

HAZARD = Hazard.OPERABILITY
SEVERITY = Severity.WARNING
_ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY, code uuid UNIQUE);"
BAD = (
    Example(sql="CREATE TABLE refunds (order_id int REFERENCES orders);", setup=_ORDERS),
    Example(
        sql="ALTER TABLE payments ADD FOREIGN KEY (order_code) REFERENCES orders (code) NOT VALID;",
        setup=f"{_ORDERS} CREATE TABLE payments (order_code text);",
    ),
    Example(sql="ALTER TABLE payments ADD COLUMN order_id smallint REFERENCES orders (id);", setup=_ORDERS),
)
GOOD = (
    Example(sql="CREATE TABLE refunds (order_id bigint REFERENCES orders);", setup=_ORDERS),
    Example(sql="CREATE TABLE refunds (order_id int REFERENCES unknown);"),
    Example(
        sql="CREATE TABLE notes (name text REFERENCES people (name));",
        setup="CREATE TABLE people (name varchar(20) UNIQUE);",
    ),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each pair of columns with different types."""
    for key in foreign_keys(moment):
        schema = schema_with(moment)
        for column, own, target, other in _pairs(schema, key):
            if _kind(own) != _kind(other):
                yield Report(
                    f"{key.table}.{quote(column)} is {own}, but {key.references}.{quote(target)} is {other}",
                    f"give {key.table}.{quote(column)} the type {other}",
                )


def _pairs(schema: Schema, key: ForeignKey) -> Iterator[tuple[str, str, str, str]]:
    """Yield column and type here, column and type there, as far as they are known."""
    there = schema.known(key.references)
    for column, target in zip(key.columns, key.targets or _primary_key(there), strict=False):
        one, other = schema.known(key.table).column(column), there.column(target)
        if one and other and one.type and other.type:
            yield column, one.type, target, other.type


def _primary_key(table: Table) -> tuple[str, ...]:
    return next((one.columns for one in table.constraints if one.kind == "primary key"), ())


def _kind(text: str) -> str:
    found = read_type(text)
    return "text" if found and found.name in ("text", "varchar") else found.name if found else text
