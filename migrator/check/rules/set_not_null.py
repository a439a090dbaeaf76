"""SET NOT NULL reads the whole table while it is locked.

What it does
------------
Reports `ALTER COLUMN ... SET NOT NULL`, and a NOT NULL constraint added as valid, on a column that nothing proves to
be filled.

Why it is bad
-------------
PostgreSQL reads every row under ACCESS EXCLUSIVE to see that none is NULL.

What to do instead
------------------
Prove it first, while the table is in use:

    ALTER TABLE customers ADD CONSTRAINT email_set CHECK (email IS NOT NULL) NOT VALID;
    ALTER TABLE customers VALIDATE CONSTRAINT email_set;   -- in a transaction of its own
    ALTER TABLE customers ALTER COLUMN email SET NOT NULL;
    ALTER TABLE customers DROP CONSTRAINT email_set;

When it does not apply
----------------------
A validated check that implies NOT NULL spares the scan from PostgreSQL 12 on.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import stalls

HAZARD = Hazard.SCANS
BAD = (
    Example(sql="ALTER TABLE customers ALTER COLUMN email SET NOT NULL;"),
    Example(
        sql="ALTER TABLE customers ALTER COLUMN email SET NOT NULL;",
        setup="ALTER TABLE customers ADD CONSTRAINT e CHECK (email IS NOT NULL) NOT VALID;",
    ),
    Example(
        sql="ALTER TABLE customers ALTER COLUMN email SET NOT NULL;",
        setup="ALTER TABLE customers ADD CONSTRAINT e CHECK (email IS NOT NULL);",
        pg_version=11,
    ),
)
GOOD = (
    Example(
        sql="ALTER TABLE customers ALTER COLUMN email SET NOT NULL;",
        setup="ALTER TABLE customers ADD CONSTRAINT e CHECK (email IS NOT NULL);",
    ),
    Example(
        sql=(
            "ALTER TABLE customers ADD CONSTRAINT e CHECK (email IS NOT NULL) NOT VALID; "
            "ALTER TABLE customers VALIDATE CONSTRAINT e; "
            "ALTER TABLE customers ALTER COLUMN email SET NOT NULL;"
        ),
    ),
    Example(
        sql=(
            "BEGIN; CREATE TABLE fresh (id bigint PRIMARY KEY, note text, n int); "
            "ALTER TABLE fresh ALTER COLUMN note SET NOT NULL; COMMIT;"
        ),
    ),
    Example(sql="ALTER TABLE customers ADD CONSTRAINT e NOT NULL email NOT VALID;", pg_version=18),
)


_CHECK_IS_A_PROOF = 12


def find(moment: Moment) -> Iterator[Report]:
    """Yield the scan for NULLs; before PostgreSQL 12 no check spares it."""
    yield from stalls(moment, "set-not-null")
    if moment.version >= _CHECK_IS_A_PROOF or any(moment.works("set-not-null")):
        return
    for table, command in moment.commands("AT_SetNotNull"):
        known = moment.schema.known(table).column(command.name)
        if known is None or not known.not_null:
            yield Report(
                f"{table} is read from end to end while reads and writes of it wait: before PostgreSQL 12 a check on "
                f"{command.name} proves nothing to SET NOT NULL",
                f"keep the validated check on {command.name} in place of NOT NULL until the server is upgraded",
            )
