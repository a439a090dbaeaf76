"""A trigger whose function fails makes every write fail.

What it does
------------
Reports `CREATE TRIGGER` whose PL/pgSQL function names a column that the table has not, `NEW.updated_at` or `OLD.owner`,
or writes rows that PostgreSQL refuses: an INSERT into a log that leaves a required column out, a value that is none. So
it does a BEFORE trigger whose function always returns NULL, which drops the row.

Why it is bad
-------------
PostgreSQL looks at it when the trigger runs: the statement succeeds, and then every write of running code fails.

What to do instead
------------------
Add the column first, in an earlier statement, or correct the function.

When it does not apply
----------------------
Functions and tables that are not known, and functions that other tables share and that ask which one it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from migrator.check.afterwards import schema_at_commit
from migrator.check.blocks import gives_nothing_back, statements_of
from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.rules import missing_value, value_refused
from migrator.check.schema.schema import Body
from migrator.sql.classify import classify
from migrator.sql.context import RelationKind, Table
from migrator.sql.names import name_of, named, quote
from migrator.sql.parser import Tree, strings

HAZARD = Hazard.BREAKS
_SETUP = (
    "CREATE TABLE t (id int, changed timestamptz); CREATE TABLE u (id int);"
    "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.changed := now(); RETURN NEW; END $$;"
    "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN IF NEW.id <> OLD.owner THEN RAISE 'no'; END IF; RETURN NEW; END $$;"
)
BAD = (
    Example(sql="CREATE TRIGGER a BEFORE UPDATE ON u FOR EACH ROW EXECUTE FUNCTION touch();", setup=_SETUP),
    Example(sql="CREATE TRIGGER a BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION keep();", setup=_SETUP),
    Example(
        sql=(
            "CREATE FUNCTION fold() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN NEW.id := 1; IF NEW.id > 2 THEN RETURN NULL; END IF; RETURN NULL; END $$; "
            "CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION fold();"
        ),
        setup=_SETUP,
    ),
    Example(
        sql=(
            "CREATE TABLE log (id int, who text NOT NULL); CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN INSERT INTO log (id) VALUES (NEW.id); NEW.changed := now(); RETURN NEW; END $$; "
            "CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION tell();"
        ),
        setup=_SETUP,
    ),
    Example(
        sql="CREATE TABLE n (id int); CREATE TRIGGER a BEFORE INSERT ON n FOR EACH ROW EXECUTE PROCEDURE touch();",
        setup=_SETUP,
    ),
)
GOOD = (
    Example(
        sql=(
            "CREATE FUNCTION fold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$; "
            "CREATE TRIGGER a AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION fold();"
        ),
        setup=_SETUP,
    ),
    Example(sql="CREATE TRIGGER a BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch();", setup=_SETUP),
    Example(
        sql=(
            "ALTER TABLE u ADD COLUMN changed timestamptz; "
            "CREATE TRIGGER a BEFORE UPDATE ON u FOR EACH ROW EXECUTE FUNCTION touch();"
        ),
        setup=_SETUP,
    ),
    Example(
        sql=(
            "BEGIN; CREATE TRIGGER a BEFORE UPDATE ON u FOR EACH ROW EXECUTE FUNCTION touch(); "
            "ALTER TABLE u ADD COLUMN changed timestamptz; COMMIT;"
        ),
        setup=_SETUP,
    ),
    Example(sql="CREATE TRIGGER a AFTER UPDATE ON u FOR EACH STATEMENT EXECUTE FUNCTION touch();", setup=_SETUP),
    Example(sql="CREATE TRIGGER a BEFORE UPDATE ON u FOR EACH ROW EXECUTE FUNCTION unknown();", setup=_SETUP),
)
_FIELD = re.compile(r"\b(?:NEW|OLD)\.(?:\"([^\"]+)\"|([a-z_]\w*))", re.IGNORECASE)
_ASKS_FOR_THE_TABLE = re.compile(r"\bTG_(?:TABLE_NAME|RELNAME|RELID|TABLE_SCHEMA)\b", re.IGNORECASE)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each field that a row of the table has not, and each INSERT of the function that fails."""
    body = _body(moment) if moment.statement.kind == "create_trig_stmt" else None
    if body is None:
        return
    schema, trigger = schema_at_commit(moment), quote(moment.tree.trigname)
    for name in dict.fromkeys(_missing(moment, schema.table(name_of(moment.tree.relation)), body.text)):
        yield Report(
            f"every write that fires {trigger} fails: {name_of(moment.tree.relation)} has no column {quote(name)}",
            "add the column before, or correct the function",
        )
    if _is_before_rows(moment.tree) and gives_nothing_back(body):
        yield Report(
            f"every write that fires {trigger} is dropped without an error: its function returns NULL",
            "RETURN NEW; for a DELETE: RETURN OLD;",
        )
    for statement in statements_of(body):
        inner = replace(moment, statement=statement, effect=classify(statement, schema), schema=schema)
        for rule in (missing_value, value_refused):
            yield from (
                Report(f"writes that fire {trigger} fail, in its function. {report.message}", report.safer)
                for report in rule.find(inner)
            )


_BEFORE = 2
"""TRIGGER_TYPE_BEFORE of PostgreSQL's pg_trigger.h."""


def _is_before_rows(trigger: Tree) -> bool:
    return bool(trigger.row) and trigger.timing == _BEFORE


def _missing(moment: Moment, table: Table | None, body: str) -> Iterator[str]:
    """Yield the fields of NEW and OLD that the table does not have."""
    if not moment.tree.row or table is None or table.kind is not RelationKind.TABLE or table.parents:
        return
    if table.columns and moment.schema.is_whole(table.name) and not _ASKS_FOR_THE_TABLE.search(body):
        fields = (quoted or plain.lower() for quoted, plain in _FIELD.findall(body))
        yield from (name for name in fields if table.column(name) is None)


def _body(moment: Moment) -> Body | None:
    function = named(strings(moment.tree.funcname))
    bodies = moment.schema.bodies.items()
    return next((one for name, one in bodies if name.same(function) and one.language == "plpgsql"), None)
