"""A table or constraint that does not exist cannot be changed.

What it does
------------
Reports `ALTER TABLE` and `CREATE INDEX` on a table, `DROP COLUMN` of a column, and `VALIDATE CONSTRAINT` of a
constraint, that are neither in the schema that `--schema` gives nor made by the script.

Why it is bad
-------------
PostgreSQL refuses the statement, and what was committed before it stays half done.

What to do instead
------------------
Correct the name; write `IF EXISTS` where the object may be missing.

When it does not apply
----------------------
Without `--schema`, after statements that cannot be looked into, and with `IF EXISTS`.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.blocks import SOME_NAME
from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.sql.names import name_of, quote
from migrator.sql.parser import field_enum

HAZARD = Hazard.FAILS
BAD = (
    Example(sql="ALTER TABLE nobody ADD COLUMN a int;", setup="CREATE TABLE t (a int);", complete=True),
    Example(sql="CREATE INDEX CONCURRENTLY i ON nobody (a);", setup="CREATE TABLE t (a int);", complete=True),
    Example(sql="ALTER TABLE t VALIDATE CONSTRAINT c;", setup="CREATE TABLE t (a int);", complete=True),
    Example(
        sql="BEGIN; CREATE TABLE n (a int); ROLLBACK; ALTER TABLE n ADD COLUMN b int;",
        setup="CREATE TABLE t (a int);",
        complete=True,
    ),
)
GOOD = (
    Example(sql="ALTER TABLE nobody ADD COLUMN a int;", setup="CREATE TABLE t (a int);"),
    Example(sql="ALTER TABLE IF EXISTS nobody ADD COLUMN a int;", setup="CREATE TABLE t (a int);", complete=True),
    Example(
        sql="CREATE TABLE n (a int); ALTER TABLE n ADD COLUMN b int;", setup="CREATE TABLE t (a int);", complete=True
    ),
    Example(
        sql="ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c;",
        setup="CREATE TABLE t (a int);",
        complete=True,
    ),
)
_OF_TABLES = ("Column", "Constraint", "NotNull", "Partition", "Logged", "Identity", "Expression")


def find(moment: Moment) -> Iterator[Report]:
    """Yield what the statement names and nothing has made."""
    if not moment.schema.complete or moment.statement.kind not in ("alter_table_stmt", "index_stmt"):
        return
    name = name_of(moment.tree.relation)
    if name.name == SOME_NAME:
        return
    table = moment.schema.table(name)
    if moment.statement.kind == "index_stmt":
        if table is None:
            yield Report(f"PostgreSQL refuses it: there is no table {name}", "correct the name")
        return
    if field_enum(moment.tree, "objtype") != "OBJECT_TABLE" or moment.tree.missing_ok:
        return
    subtypes = [field_enum(one.alter_table_cmd, "subtype") for one in moment.tree.cmds]
    if table is None and any(word in one for one in subtypes for word in _OF_TABLES):
        yield Report(f"PostgreSQL refuses it: there is no table {name}", "correct the name, or write IF EXISTS")
    for one, subtype in zip(moment.tree.cmds, subtypes, strict=True):
        constraint = column = one.alter_table_cmd.name
        dropped = subtype == "AT_DropColumn" and not one.alter_table_cmd.missing_ok
        if dropped and table is not None and table.columns and not (table.parents or table.column(column)):
            yield Report(f"PostgreSQL refuses it: {name} has no column {quote(column)}", "correct the name")
        if table is not None and subtype == "AT_ValidateConstraint" and not table.constraint(constraint):
            yield Report(
                f"PostgreSQL refuses it: {name} has no constraint {quote(constraint)}",
                "correct the name, or add it before",
            )
