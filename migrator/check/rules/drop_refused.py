"""What others depend on cannot be dropped.

What it does
------------
Reports, without CASCADE, `DROP TABLE` of a table that a known foreign key points to, `DROP` of a table or view that a
known view reads, of a type that a known column has, and of a function that a known trigger calls.

Why it is bad
-------------
PostgreSQL refuses the statement (2BP01). In a downgrade it is found out in the worst moment.

What to do instead
------------------
Drop what depends on it first: the tables in the reverse order in which they were made, columns before their types.

When it does not apply
----------------------
With CASCADE, which takes along what depends on it; and what is not known: not made by the script or an earlier
revision, and no `--schema` given.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.sql.effects import Object
from migrator.sql.names import Name
from migrator.sql.parser import field_enum

HAZARD = Hazard.FAILS
_SETUP = (
    "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE q (id int, p int REFERENCES p); CREATE TYPE mood AS ENUM ('a'); "
    "CREATE TABLE r (m mood); CREATE VIEW v AS SELECT m FROM r; CREATE VIEW w AS SELECT m FROM v; "
    "CREATE TRIGGER t AFTER INSERT ON q FOR EACH ROW EXECUTE FUNCTION f();"
)
BAD = (
    Example(sql="ALTER TABLE q RENAME TO s; DROP FUNCTION f();", setup=_SETUP),
    Example(sql="DROP TABLE p;", setup=_SETUP),
    Example(sql="DROP TYPE mood;", setup=_SETUP),
    Example(sql="DROP TABLE IF EXISTS r;", setup=_SETUP),
    Example(sql="DROP VIEW v;", setup=_SETUP),
    Example(sql="DROP FUNCTION f();", setup=_SETUP),
)
GOOD = (
    Example(sql="DROP TABLE q; DROP TABLE p;", setup=_SETUP),
    Example(sql="DROP TABLE p, q;", setup=_SETUP),
    Example(sql="DROP TRIGGER t ON q; DROP FUNCTION f();", setup=_SETUP),
    Example(sql="DROP VIEW v, w; ALTER TABLE r DROP COLUMN m; DROP TYPE mood;", setup=_SETUP),
    Example(sql="DROP TABLE p CASCADE;", setup=_SETUP),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield what still depends on each object that is dropped."""
    if moment.statement.kind != "drop_stmt" or field_enum(moment.tree, "behavior") == "DROP_CASCADE":
        return
    gone = tuple(one.name for one in moment.effect.drops)
    for one in moment.effect.drops:
        dependent = next(_dependents(moment, one, gone), "")
        if dependent:
            yield Report(
                f"PostgreSQL refuses it: {dependent}",
                f"drop that first, then: {moment.statement.text};",
            )


_RELATIONS = ("table", "view", "materialized view")


def _dependents(moment: Moment, one: Object, gone: tuple[Name, ...]) -> Iterator[str]:
    """Yield in words what depends on the object and is not dropped with it."""
    schema = moment.schema
    for table in schema.every():
        if any(table.name.same(name) for name in gone):
            continue
        if one.kind == "table":
            keys = (key for key in table.constraints if key.references and key.references.same(one.name))
            yield from (f"foreign key {key.name} of {table.name} points to {one.name}" for key in keys)
        elif one.kind in ("type", "domain") and schema.constrained(one.name) is not None:
            columns = (column for column in table.columns if column.type == one.name.quoted())
            yield from (f"{table.name}.{column.name} is of type {one.name}" for column in columns)
    if one.kind == "function":
        called = (key for key, trigger in schema.triggers.items() if trigger.function.same(one.name))
        yield from (f"trigger {trigger} of {owner} calls {one.name}" for owner, trigger in called)
    for view, reads in schema.views.items() if one.kind in _RELATIONS else ():
        if not any(view.same(name) for name in gone) and any(name.same(one.name) for name in reads.relations):
            yield f"view {view} reads {one.name}"
