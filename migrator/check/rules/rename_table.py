"""A renamed or moved table is missing to the code that still uses the old name.

What it does
------------
Reports renamed tables, views, schemas, types, functions and sequences, and `SET SCHEMA`.

Why it is bad
-------------
Between the migration and the last restart of old code, every statement with the old name fails.

What to do instead
------------------
Rename it and put a view with the old name in its place in the same transaction, which old code can read and write;
drop the view when nobody uses it.

When it does not apply
----------------------
What the same script created, renamed indexes, constraints and triggers, downgrades, and a rename with a view of the old
name, and all columns, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.compatibility_views import takes_writes, view_in_place_of
from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.schema.changes import output_of
from migrator.check.schema.columns import columns_in
from migrator.sql.classify import classify
from migrator.sql.names import Name

HAZARD = Hazard.BREAKS
AT_RUN_TIME = True
BAD = (
    Example(sql="ALTER TABLE customers RENAME TO clients;"),
    Example(sql="ALTER TABLE sessions SET SCHEMA billing;"),
    Example(sql="ALTER VIEW open_orders RENAME TO orders_open;"),
    Example(sql="ALTER SCHEMA billing RENAME TO bills;"),
    Example(
        sql=(
            "BEGIN; ALTER TABLE customers RENAME TO clients; "
            "CREATE VIEW customers AS SELECT DISTINCT id FROM clients; COMMIT;"
        )
    ),
    Example(
        sql=(
            "BEGIN; ALTER TABLE shop.cards RENAME TO plastic; "
            "CREATE VIEW public.cards AS SELECT * FROM shop.plastic; COMMIT;"
        )
    ),
)
GOOD = (
    Example(
        sql=(
            "BEGIN; ALTER TABLE t RENAME COLUMN a TO b; ALTER TABLE t RENAME TO u; "
            "CREATE VIEW t AS SELECT id, b AS a FROM u; COMMIT;"
        ),
        setup="CREATE TABLE t (id int, a text);",
    ),
    Example(
        sql="BEGIN; ALTER TABLE customers RENAME TO clients; CREATE VIEW customers AS SELECT * FROM clients; COMMIT;"
    ),
    Example(
        sql=(
            "CREATE MATERIALIZED VIEW next AS SELECT 1 AS a; BEGIN; ALTER MATERIALIZED VIEW daily RENAME TO past; "
            "ALTER MATERIALIZED VIEW next RENAME TO daily; COMMIT;"
        )
    ),
    Example(sql="CREATE TABLE fresh (a int); ALTER TABLE fresh RENAME TO newer;"),
    Example(sql="ALTER INDEX orders_ref_idx RENAME TO orders_ref;"),
)


_KINDS = frozenset({
    "table", "view", "materialized view", "foreign table", "schema", "type", "domain", "function", "procedure",
    "sequence",
})  # fmt: skip


def find(moment: Moment) -> Iterator[Report]:
    """Yield each object that code may know by its old name."""
    for rename in moment.effect.renames:
        what = rename.what
        if (
            what.kind not in _KINDS
            or what.member
            or moment.downgrade
            or moment.schema.is_made(what.name)
            or _view_instead(moment, what.name, written=what.kind == "table")
            or (what.kind in ("view", "materialized view") and _another_instead(moment, what.name))
        ):
            continue
        new = Name(rename.name or what.name.name, rename.schema or what.name.schema)
        yield Report(
            f"running code that uses {what.kind} {what.name} fails",
            f"BEGIN;\n{moment.statement.text};\nCREATE VIEW {what.name} AS SELECT * FROM {new};\nCOMMIT;"
            if what.kind == "table"
            else f"create {new} beside {what.name}, switch the code over, then drop the old one",
        )


def _another_instead(moment: Moment, old: Name) -> bool:
    """Say whether the same transaction gives the name to another view, which may have been filled before."""
    renames = (rename for one in moment.rest_of_transaction() for rename in classify(one, moment.schema).renames)
    return any(one.name == old.name and not one.what.member for one in renames)


def _view_instead(moment: Moment, old: Name, *, written: bool) -> bool:
    """Say whether the same transaction puts a view with all columns of the table in its place.

    It has to be one that PostgreSQL writes through, if it is to be `written`.
    """
    query = view_in_place_of(moment, old)
    if query is None or (written and not takes_writes(query)):
        return False
    known, output = moment.schema.table(old), output_of(moment.schema, query)
    renamed = {name for target in query.select_stmt.target_list for name in columns_in(target)}
    return output is None or {one.name for one in (known.columns if known else ())} <= {*output, *renamed}
