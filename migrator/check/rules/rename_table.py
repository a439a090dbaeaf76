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

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.schema.changes import output_of
from migrator.sql.names import Name, name_of

HAZARD = Hazard.BREAKS
AT_RUN_TIME = True
BAD = (
    Example(sql="ALTER TABLE customers RENAME TO clients;"),
    Example(sql="ALTER TABLE sessions SET SCHEMA billing;"),
    Example(sql="ALTER VIEW open_orders RENAME TO orders_open;"),
    Example(sql="ALTER SCHEMA billing RENAME TO bills;"),
)
GOOD = (
    Example(
        sql="BEGIN; ALTER TABLE customers RENAME TO clients; CREATE VIEW customers AS SELECT * FROM clients; COMMIT;"
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
            or _view_instead(moment, what.name)
        ):
            continue
        new = Name(rename.name or what.name.name, rename.schema or what.name.schema)
        yield Report(
            f"running code that uses {what.kind} {what.name} fails",
            f"BEGIN;\n{moment.statement.text};\nCREATE VIEW {what.name} AS SELECT * FROM {new};\nCOMMIT;"
            if what.kind == "table"
            else f"create {new} beside {what.name}, switch the code over, then drop the old one",
        )


def _view_instead(moment: Moment, old: Name) -> bool:
    """Say whether the same transaction puts a view with all columns of the table in its place."""
    known = moment.schema.table(old)
    needed = {one.name for one in known.columns} if known else set()
    for one in moment.rest_of_transaction():
        if one.kind == "view_stmt" and Name(name_of(one.tree.view).name) == Name(old.name):
            output = output_of(moment.schema, one.tree.query)
            return output is None or needed <= set(output)
    return False
