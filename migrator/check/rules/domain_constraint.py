"""A constraint on a domain is verified in every table that uses it, while writes wait.

What it does
------------
Reports `ALTER DOMAIN` with `ADD CONSTRAINT`, `VALIDATE CONSTRAINT` and `SET NOT NULL`.

Why it is bad
-------------
Each table with a column of the domain is read from end to end under a SHARE lock.

What to do instead
------------------
Put the condition on each table as a check NOT VALID and validate it there; give the domain the constraint NOT VALID,
which then holds for new values.

When it does not apply
----------------------
NOT VALID, and domains that no table uses yet because the same script created them.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import stalls

HAZARD = Hazard.SCANS
BAD = (
    Example(sql="ALTER DOMAIN plain_code ADD CONSTRAINT l CHECK (length(VALUE) < 40);"),
    Example(sql="ALTER DOMAIN plain_code VALIDATE CONSTRAINT l;"),
    Example(sql="ALTER DOMAIN plain_code SET NOT NULL;"),
)
GOOD = (
    Example(sql="ALTER DOMAIN plain_code ADD CONSTRAINT l CHECK (length(VALUE) < 40) NOT VALID;"),
    Example(sql="ALTER DOMAIN plain_code DROP CONSTRAINT l;"),
    Example(sql="CREATE DOMAIN d AS text; ALTER DOMAIN d ADD CHECK (VALUE <> '');"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the work that users of the table would wait for."""
    return stalls(moment, "domain-constraint")
