"""CREATE OR REPLACE VIEW can add columns at the end, and nothing else.

What it does
------------
Reports `CREATE OR REPLACE VIEW` of a known view whose new query leaves out, renames or moves one of its columns.

Why it is bad
-------------
PostgreSQL refuses the statement (42P16).

What to do instead
------------------
Keep the columns in their order and add new ones after them; or drop the view and create it again in one transaction,
when no running code uses the column that goes.

When it does not apply
----------------------
The view is not known: not created by the script or an earlier revision, and no `--schema` given.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.schema.changes import output_of
from migrator.sql.names import name_of, quote

HAZARD = Hazard.FAILS
_SETUP = "CREATE TABLE t (a int, b int, c int); CREATE VIEW v AS SELECT a, b FROM t;"
BAD = (
    Example(sql="CREATE OR REPLACE VIEW v AS SELECT a FROM t;", setup=_SETUP),
    Example(sql="CREATE OR REPLACE VIEW v AS SELECT a, b AS d FROM t;", setup=_SETUP),
    Example(sql="CREATE OR REPLACE VIEW v AS SELECT c, a, b FROM t;", setup=_SETUP),
)
GOOD = (
    Example(sql="CREATE OR REPLACE VIEW v AS SELECT a, b, c FROM t;", setup=_SETUP),
    Example(sql="CREATE OR REPLACE VIEW v AS SELECT a, b FROM t WHERE c > 1;", setup=_SETUP),
    Example(sql="CREATE OR REPLACE VIEW unknown AS SELECT a FROM t;", setup=_SETUP),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the first column that the new query does not give in its place."""
    if moment.statement.kind != "view_stmt" or not moment.tree.replace:
        return
    view = name_of(moment.tree.view)
    before = next((known.output for name, known in moment.schema.views.items() if name.same(view)), None)
    after = output_of(moment.schema, moment.tree.query)
    if before is None or after is None or after[: len(before)] == before:
        return
    place = next((i for i, name in enumerate(before) if after[i : i + 1] != (name,)), 0)
    yield Report(
        f"PostgreSQL refuses it: column {place + 1} of view {view} is {quote(before[place])}",
        f"CREATE OR REPLACE VIEW {view} AS SELECT {', '.join(map(quote, before))}, ...;   -- new columns last",
    )
