"""DROP INDEX CONCURRENTLY takes one index, and none of a constraint.

What it does
------------
Reports several names in one `DROP INDEX CONCURRENTLY`, CASCADE, and indexes that belong to a constraint.

Why it is bad
-------------
PostgreSQL refuses the statement.

What to do instead
------------------
One statement per index; for a constraint `ALTER TABLE ... DROP CONSTRAINT`.

When it does not apply
----------------------
An index is known to belong to a constraint by the schema, or by its name where that ends in `_pkey`.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.sql.names import quote
from migrator.sql.parser import field_enum

HAZARD = Hazard.FAILS
BAD = (
    Example(sql="DROP INDEX CONCURRENTLY a_idx, b_idx;"),
    Example(sql="DROP INDEX CONCURRENTLY payments_pkey;"),
    Example(sql="DROP INDEX CONCURRENTLY a_idx CASCADE;"),
    Example(sql="DROP INDEX CONCURRENTLY t_a_key;", setup="CREATE TABLE t (a int UNIQUE);"),
)
GOOD = (
    Example(sql="DROP INDEX CONCURRENTLY a_idx;"),
    Example(sql="DROP INDEX CONCURRENTLY IF EXISTS a_idx;"),
    Example(sql="DROP INDEX CONCURRENTLY t_a;", setup="CREATE TABLE t (a int); CREATE UNIQUE INDEX t_a ON t (a);"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield why PostgreSQL refuses it."""
    names = [one.name for one in moment.effect.drops if one.kind == "index"]
    if moment.statement.kind != "drop_stmt" or not moment.tree.concurrent or not names:
        return
    if len(names) > 1 or field_enum(moment.tree, "behavior") == "DROP_CASCADE":
        yield Report(
            "PostgreSQL refuses it: DROP INDEX CONCURRENTLY takes one index, without CASCADE",
            "\n".join(f"DROP INDEX CONCURRENTLY {name};" for name in names),
        )
    for name in names:
        index = moment.schema.index(name)
        if (index is None and name.name.endswith("_pkey")) or (index and index.constraint):
            table = index.table if index else name.beside(name.name.removesuffix("_pkey"))
            yield Report(
                f"PostgreSQL refuses it: {name} belongs to a constraint",
                f"ALTER TABLE {table} DROP CONSTRAINT {quote(name.name)};",
            )
