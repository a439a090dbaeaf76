"""A change of type verifies the checks on the column again.

What it does
------------
Reports `ALTER COLUMN ... TYPE` that needs no rewrite, on a column that a valid check mentions.

Why it is bad
-------------
PostgreSQL makes the check anew for the new type and reads the whole table under ACCESS EXCLUSIVE.

What to do instead
------------------
Drop the check, change the type, add the check again NOT VALID, validate it in a transaction of its own.

When it does not apply
----------------------
The table or the check are not known from the script or from `--schema`, or the check is not validated.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import stalls

HAZARD = Hazard.SCANS
BAD = (
    Example(
        sql="ALTER TABLE customers ALTER COLUMN phone TYPE text;",
        setup="CREATE TABLE customers (phone varchar(20) CHECK (phone <> ''));",
    ),
    Example(
        sql="ALTER TABLE customers ALTER COLUMN phone TYPE varchar(40);",
        setup=(
            "CREATE TABLE customers (phone varchar(20)); "
            "ALTER TABLE customers ADD CONSTRAINT p CHECK (length(phone) > 2);"
        ),
    ),
    Example(
        sql="ALTER TABLE a ALTER COLUMN n TYPE numeric(12,2);", setup="CREATE TABLE a (n numeric(10,2) CHECK (n > 0));"
    ),
)
GOOD = (
    Example(
        sql="ALTER TABLE customers ALTER COLUMN phone TYPE text;", setup="CREATE TABLE customers (phone varchar(20));"
    ),
    Example(
        sql="ALTER TABLE customers ALTER COLUMN phone TYPE text;",
        setup="CREATE TABLE customers (phone varchar(20), n int CHECK (n > 0));",
    ),
    Example(
        sql="ALTER TABLE customers ALTER COLUMN phone TYPE text;",
        setup="CREATE TABLE customers (phone varchar(20)); ALTER TABLE customers ADD CHECK (phone <> '') NOT VALID;",
    ),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the work that users of the table would wait for."""
    return stalls(moment, "change-type-with-check")
