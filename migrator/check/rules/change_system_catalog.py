"""A change of PostgreSQL's own tables goes past every check that keeps them right.

What it does
------------
Reports `INSERT`, `UPDATE`, `DELETE` and `MERGE` on tables of `pg_catalog`.

Why it is bad
-------------
Nothing looks whether rows, indexes or other sessions still rely on what is changed: a deleted enum label, a changed
type length or a flag such as `indisvalid` corrupts what depends on it, and no downgrade repairs that.

What to do instead
------------------
Use the statement that PostgreSQL has for it; where there is none, as for removing an enum label, make a new object and
move to it.

When it does not apply
----------------------
Queries that read the catalog.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.conditions import is_catalog
from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report

HAZARD = Hazard.IRREVERSIBLE
AT_RUN_TIME = True
BAD = (
    Example(sql="DELETE FROM pg_enum WHERE enumlabel = 'packed';"),
    Example(sql="UPDATE pg_catalog.pg_attribute SET atttypmod = 36 WHERE attname = 'ref';"),
    Example(sql="UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'orders_ref_idx'::regclass;"),
)
GOOD = (
    Example(sql="SELECT enumlabel FROM pg_enum;"),
    Example(sql="UPDATE orders SET note = 'n' WHERE id IN (SELECT oid::int FROM pg_class LIMIT 5);"),
    Example(sql="CREATE TABLE pg_settings_copy (a int); INSERT INTO pg_settings_copy VALUES (1);"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each system table that is written to."""
    for change in moment.effect.data_changes:
        if is_catalog(change.table) and not moment.schema.is_new(change.table):
            yield Report(
                f"{change.verb} on {change.table} changes the catalog behind PostgreSQL's back",
                "use the ALTER or DROP that PostgreSQL has for it, or make a new object and move to it",
            )
