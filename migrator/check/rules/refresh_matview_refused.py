"""REFRESH ... CONCURRENTLY needs a unique index that the view does not have.

What it does
------------
Reports `REFRESH MATERIALIZED VIEW CONCURRENTLY` of a known view without a unique index on plain columns.

Why it is bad
-------------
PostgreSQL refuses the statement.

What to do instead
------------------
    CREATE UNIQUE INDEX CONCURRENTLY daily_sales_key ON daily_sales (d, oid);

before it.

When it does not apply
----------------------
The view is not known from the script or from `--schema`.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.sql.names import name_of

HAZARD = Hazard.FAILS
BAD = (
    Example(sql="REFRESH MATERIALIZED VIEW CONCURRENTLY v;", setup="CREATE MATERIALIZED VIEW v AS SELECT 1 AS a;"),
    Example(
        sql="REFRESH MATERIALIZED VIEW CONCURRENTLY v;",
        setup="CREATE MATERIALIZED VIEW v AS SELECT 1 AS a; CREATE INDEX i ON v (a);",
    ),
    Example(
        sql="REFRESH MATERIALIZED VIEW CONCURRENTLY v;",
        setup="CREATE MATERIALIZED VIEW v AS SELECT 1 AS a; CREATE UNIQUE INDEX i ON v (a) WHERE a > 0;",
    ),
    Example(
        sql="REFRESH MATERIALIZED VIEW CONCURRENTLY v;",
        setup="CREATE MATERIALIZED VIEW v AS SELECT 1 AS a WITH NO DATA; CREATE UNIQUE INDEX i ON v (a);",
    ),
)
GOOD = (
    Example(
        sql="DROP MATERIALIZED VIEW v; CREATE MATERIALIZED VIEW v AS SELECT 2 AS a; CREATE UNIQUE INDEX i ON v (a); "
        "REFRESH MATERIALIZED VIEW CONCURRENTLY v;",
        setup="CREATE MATERIALIZED VIEW v AS SELECT 1 AS a WITH NO DATA;",
    ),
    Example(
        sql="REFRESH MATERIALIZED VIEW CONCURRENTLY v;",
        setup=(
            "CREATE MATERIALIZED VIEW v AS SELECT 1 AS a WITH NO DATA; CREATE UNIQUE INDEX i ON v (a); "
            "REFRESH MATERIALIZED VIEW v;"
        ),
    ),
    Example(sql="REFRESH MATERIALIZED VIEW CONCURRENTLY v;"),
    Example(
        sql="REFRESH MATERIALIZED VIEW CONCURRENTLY v;",
        setup="CREATE MATERIALIZED VIEW v AS SELECT 1 AS a; CREATE UNIQUE INDEX i ON v (a);",
    ),
    Example(sql="CREATE TABLE fresh (a int);"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the view that cannot be refreshed concurrently."""
    if moment.statement.kind != "refresh_mat_view_stmt" or not moment.tree.concurrent:
        return
    view = moment.schema.table(name_of(moment.tree.relation))
    if view is not None and not any(
        index.unique and not index.partial and not index.expressions for index in view.indexes
    ):
        yield Report(
            f"PostgreSQL refuses it: {view.name} has no unique index",
            f"CREATE UNIQUE INDEX CONCURRENTLY ON {view.name} (<columns that identify a row>);",
        )
    elif view is not None and view.empty:
        yield Report(
            f"PostgreSQL refuses it: {view.name} was made WITH NO DATA", f"REFRESH MATERIALIZED VIEW {view.name};"
        )
