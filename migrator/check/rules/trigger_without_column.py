"""A trigger whose function uses a column that the table has not makes every write fail.

What it does
------------
Reports `CREATE TRIGGER` for each row, where all columns of the table are known and the PL/pgSQL function that it calls
names another one: `NEW.updated_at`, `OLD.owner`.

Why it is bad
-------------
PostgreSQL looks for the field when the trigger runs: the statement succeeds, and then every write of running code fails
(42703).

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

from migrator.check.afterwards import schema_at_commit
from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.sql.context import RelationKind
from migrator.sql.names import Name, name_of, quote
from migrator.sql.parser import strings

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
        sql="CREATE TABLE n (id int); CREATE TRIGGER a BEFORE INSERT ON n FOR EACH ROW EXECUTE PROCEDURE touch();",
        setup=_SETUP,
    ),
)
GOOD = (
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
    """Yield each field that a row of the table has not."""
    tree = moment.tree
    if moment.statement.kind != "create_trig_stmt" or not tree.row:
        return
    table = schema_at_commit(moment).table(name_of(tree.relation))
    if table is None or table.kind is not RelationKind.TABLE or table.parents or not table.columns:
        return
    body = _body(moment)
    if not moment.schema.is_whole(table.name) or _ASKS_FOR_THE_TABLE.search(body):
        return
    for name in dict.fromkeys(quoted or plain.lower() for quoted, plain in _FIELD.findall(body)):
        if table.column(name) is None:
            yield Report(
                f"every write that fires {quote(tree.trigname)} fails: {table.name} has no column {quote(name)}",
                f"add the column to {table.name} before, or correct the function",
            )


def _body(moment: Moment) -> str:
    parts = strings(moment.tree.funcname)
    function = Name(parts[-1], parts[-2] if len(parts) > 1 else None)
    bodies = moment.schema.bodies.items()
    return next((one.text for name, one in bodies if name.same(function) and one.language == "plpgsql"), "")
