"""A dropped column takes its data along and breaks code that still reads it.

What it does
------------
Reports `DROP COLUMN`, and `DROP ATTRIBUTE` of a type.

Why it is bad
-------------
The values cannot be brought back by a downgrade, and every running query that names the column, ORMs included, fails
at once.

What to do instead
------------------
Stop using it, release, then drop it in the contract phase of a plan that archives it:

    contract:
      - revision: 9b7d22e0c415
        archive: [products.legacy_tags]

When it does not apply
----------------------
Columns that the same script added, tables that it created, and downgrades, which take back what the upgrade added. A
contract step with `archive` or `irreversible` accepts it.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.sql.names import quote

HAZARD = Hazard.IRREVERSIBLE
AT_RUN_TIME = True
BAD = (
    Example(sql="ALTER TABLE orders DROP COLUMN note;"),
    Example(sql="ALTER TABLE orders DROP COLUMN IF EXISTS note CASCADE;"),
    Example(sql="ALTER TABLE orders ADD COLUMN a int, DROP COLUMN note;"),
)
GOOD = (
    Example(sql="ALTER TABLE orders ADD COLUMN tmp int; ALTER TABLE orders DROP COLUMN tmp;"),
    Example(sql="CREATE TABLE fresh (a int, b int); ALTER TABLE fresh DROP COLUMN b;"),
    Example(sql="ALTER TABLE orders ALTER COLUMN note DROP NOT NULL;"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each column that held data before the script."""
    for one in moment.effect.drops:
        if one.kind != "column" or moment.downgrade or not one.member:
            continue
        known = moment.schema.table(one.name) if moment.schema.complete else None
        if known is not None and known.column(one.member) is None:
            continue
        new = moment.schema.is_new(one.name) or (one.name.name, one.member) in moment.schema.added
        if not new:
            column = quote(one.member)
            yield Report(
                f"the data of {one.name}.{column} is lost, and running code that names the column fails",
                f"1. release code that does not use {one.name}.{column}\n"
                f"2. drop it in the contract phase of a plan, with archive: [{one.name}.{column}]",
            )
