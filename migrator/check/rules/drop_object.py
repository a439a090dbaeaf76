"""What is dropped here is missing to the code that still uses it.

What it does
------------
Reports `DROP` of schemas, databases, extensions, types, domains, sequences, views, materialized views, functions,
procedures and aggregates.

Why it is bad
-------------
Running code that uses the object fails; with CASCADE columns and tables that depend on it go too, data included.

What to do instead
------------------
Release code that does not use it, and look up what depends on it, before dropping it. Never CASCADE: name what is to
go.

When it does not apply
----------------------
Objects that the same script created, views and functions that the same transaction creates again, downgrades.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.schema.changes import output_of
from migrator.sql.classify import classify
from migrator.sql.effects import Object
from migrator.sql.statement import Statement

HAZARD = Hazard.BREAKS
AT_RUN_TIME = True
BAD = (
    Example(sql="DROP SCHEMA billing CASCADE;"),
    Example(sql="DROP VIEW open_orders;"),
    Example(sql="DROP EXTENSION citext CASCADE;"),
    Example(sql="DROP SEQUENCE ticket_no;"),
)
GOOD = (
    Example(sql="BEGIN; DROP VIEW open_orders; CREATE VIEW open_orders AS SELECT 1 AS a; COMMIT;"),
    Example(sql="DROP TRIGGER t ON orders;"),
    Example(sql="CREATE TYPE mood AS ENUM ('a'); DROP TYPE mood;"),
)


_KINDS = frozenset({
    "schema", "extension", "type", "domain", "sequence", "view", "materialized view", "function", "procedure",
    "aggregate", "routine",
})  # fmt: skip
_CREATED_BY = {
    "view": ("view_stmt",),
    "materialized view": ("create_table_as_stmt",),
    "function": ("create_function_stmt",),
    "procedure": ("create_function_stmt",),
}


def find(moment: Moment) -> Iterator[Report]:
    """Yield each object that was there before the script."""
    if moment.statement.kind in ("dropdb_stmt", "drop_owned_stmt"):
        yield Report("everything in it is lost", "take a dump first, and drop it by hand")
    for one in moment.effect.drops:
        if one.kind in _KINDS and not (moment.downgrade or moment.schema.is_made(one.name) or _replaced(moment, one)):
            yield Report(
                f"{one.kind} {one.name} is gone for the code that is still running"
                + (", and with it all that depends on it" if "CASCADE" in moment.statement.text.upper() else ""),
                f"release code that does not use {one.name} before, and drop without CASCADE what nothing depends on",
            )


def _replaced(moment: Moment, one: Object) -> bool:
    """Say whether the same transaction puts something of that name, and with the same columns, in its place."""
    return any(
        later.kind in _CREATED_BY.get(one.kind, ())
        and any(made.name.same(one.name) for made in classify(later, moment.schema).creates or (one,))
        and not _lacks_columns(moment, one, later)
        for later in moment.rest_of_transaction()
    )


def _lacks_columns(moment: Moment, one: Object, later: Statement) -> bool:
    before = next((view.output for name, view in moment.schema.views.items() if name.same(one.name)), None)
    after = output_of(moment.schema, later.tree.query) if later.kind == "view_stmt" else None
    return before is not None and after is not None and not set(before) <= set(after)
