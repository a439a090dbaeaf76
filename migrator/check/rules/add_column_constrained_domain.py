"""A new column of a domain with a constraint rewrites the table.

What it does
------------
Reports `ADD COLUMN` whose type is a domain with CHECK or NOT NULL. A type that nothing is known of is a warning: it
may be an enum, which is harmless.

Why it is bad
-------------
The domain's constraint is checked for every row, even for NULL, and PostgreSQL does so by writing the table anew.

What to do instead
------------------
Use the type below the domain and put its condition on the table as a check `NOT VALID` that is validated later.

When it does not apply
----------------------
Enums, composite types and domains without a constraint are added to the catalog only. `--schema` tells which is
which.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard, Severity
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import stalls

HAZARD = Hazard.REWRITES
BAD = (
    Example(
        sql="ALTER TABLE customers ADD COLUMN place pos_int;", setup="CREATE DOMAIN pos_int AS int CHECK (VALUE > 0);"
    ),
    Example(sql="ALTER TABLE customers ADD COLUMN zip code5;", setup="CREATE DOMAIN code5 AS text NOT NULL;"),
    Example(sql="CREATE DOMAIN d AS int CHECK (VALUE > 0); ALTER TABLE customers ADD COLUMN d d;"),
)
GOOD = (
    Example(sql="ALTER TABLE customers ADD COLUMN c plain_code;", setup="CREATE DOMAIN plain_code AS text;"),
    Example(sql="ALTER TABLE customers ADD COLUMN m mood;", setup="CREATE TYPE mood AS ENUM ('good', 'bad');"),
    Example(sql="CREATE DOMAIN d AS int CHECK (VALUE > 0); CREATE TABLE fresh (d d);"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the work that users of the table would wait for."""
    return stalls(moment, "add-column-constrained-domain", unsure=Severity.WARNING)
