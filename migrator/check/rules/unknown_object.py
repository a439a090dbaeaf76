"""A table or constraint that does not exist cannot be changed.

What it does
------------
Reports `ALTER TABLE` and `CREATE INDEX` on a table, `DROP COLUMN` of a column, `VALIDATE` and `DROP CONSTRAINT` of a
constraint, `DROP INDEX`, and the columns that constraints, indexes, `INSERT` and `UPDATE` name, that are neither in the
schema that `--schema` gives nor made by the script.

Why it is bad
-------------
PostgreSQL refuses the statement, and what was committed before it stays half done.

What to do instead
------------------
Correct the name; write `IF EXISTS` where the object may be missing.

When it does not apply
----------------------
Without `--schema`, after statements that cannot be looked into, and with `IF EXISTS`. An index that went with its table
or column is known to be gone without it.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.blocks import SOME_NAME
from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.schema.columns import constraint_of
from migrator.sql.commands import definition
from migrator.sql.context import RelationKind, Table
from migrator.sql.names import name_of, quote
from migrator.sql.parser import Tree, field_enum

HAZARD = Hazard.FAILS
BAD = (
    Example(sql="ALTER TABLE nobody ADD COLUMN a int;", setup="CREATE TABLE t (a int);", complete=True),
    Example(sql="CREATE INDEX CONCURRENTLY i ON nobody (a);", setup="CREATE TABLE t (a int);", complete=True),
    Example(sql="ALTER TABLE t VALIDATE CONSTRAINT c;", setup="CREATE TABLE t (a int);", complete=True),
    Example(sql="ALTER TABLE t DROP CONSTRAINT c;", setup="CREATE TABLE t (a int);", complete=True),
    Example(sql="DROP INDEX CONCURRENTLY i;", setup="CREATE TABLE t (a int);", complete=True),
    Example(sql="ALTER TABLE t DROP COLUMN a; DROP INDEX i;", setup="CREATE TABLE t (a int); CREATE INDEX i ON t (a);"),
    Example(sql="DROP TABLE t; DROP INDEX i;", setup="CREATE TABLE t (a int); CREATE INDEX i ON t (a);"),
    Example(sql="CREATE INDEX CONCURRENTLY i ON t (b);", setup="CREATE TABLE t (a int);", complete=True),
    Example(sql="ALTER TABLE t ADD CHECK (b > 0) NOT VALID;", setup="CREATE TABLE t (a int);", complete=True),
    Example(sql="UPDATE t SET b = 1 WHERE a = 1;", setup="CREATE TABLE t (a int);", complete=True),
    Example(
        sql="BEGIN; CREATE TABLE n (a int); ROLLBACK; ALTER TABLE n ADD COLUMN b int;",
        setup="CREATE TABLE t (a int);",
        complete=True,
    ),
)
GOOD = (
    Example(
        sql="DROP INDEX i; DO $$ BEGIN EXECUTE (SELECT 'CREATE INDEX i ON t (a)'); END $$; DROP INDEX i;",
        setup="CREATE TABLE t (a int); CREATE INDEX i ON t (a);",
    ),
    Example(
        sql="ALTER TABLE t ADD b int, ADD CHECK (b > 0) NOT VALID;", setup="CREATE TABLE t (a int);", complete=True
    ),
    Example(
        sql="DROP INDEX i; CREATE INDEX i ON t (b); ALTER INDEX i RENAME TO j; DROP INDEX j;",
        setup="CREATE TABLE t (a int, b int); CREATE INDEX i ON t (a);",
    ),
    Example(sql="INSERT INTO t (a) VALUES (1);", setup="CREATE TABLE t (a int);", complete=True),
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
    if moment.conditional:
        return
    yield from _indexes(moment)
    if not moment.schema.complete:
        return
    yield from _columns(moment)
    if moment.statement.kind not in ("alter_table_stmt", "index_stmt"):
        return
    name = name_of(moment.tree.relation)
    table = moment.schema.table(name)
    if name.name == SOME_NAME:
        return
    if moment.statement.kind == "index_stmt":
        if table is None:
            yield Report(f"PostgreSQL refuses it: there is no table {name}", "correct the name")
    elif field_enum(moment.tree, "objtype") == "OBJECT_TABLE" and not moment.tree.missing_ok:
        commands = [one.alter_table_cmd for one in moment.tree.cmds]
        subtypes = [field_enum(one, "subtype") for one in commands]
        if table is not None:
            yield from (report for one in commands for report in _parts(table, one))
        elif any(word in one for one in subtypes for word in _OF_TABLES):
            yield Report(f"PostgreSQL refuses it: there is no table {name}", "correct the name, or write IF EXISTS")


def _parts(table: Table, command: Tree) -> Iterator[Report]:
    """Yield the column or constraint that the subcommand drops or validates, and that is not there."""
    subtype, name = field_enum(command, "subtype"), command.name
    drops = not command.missing_ok and not table.parents
    if subtype == "AT_DropColumn" and drops and table.columns and not table.column(name):
        yield Report(f"PostgreSQL refuses it: {table.name} has no column {quote(name)}", "correct the name")
    told = not (table.new or name.endswith("_not_null"))
    wanted = subtype == "AT_ValidateConstraint" or (subtype == "AT_DropConstraint" and drops and told)
    if wanted and not table.constraint(name):
        yield Report(
            f"PostgreSQL refuses it: {table.name} has no constraint {quote(name)}",
            "correct the name, or add it before",
        )


def _indexes(moment: Moment) -> Iterator[Report]:
    if moment.statement.kind == "drop_stmt" and not moment.tree.missing_ok:
        for one in moment.effect.drops:
            gone = moment.schema.complete or any(one.name.same(name) for name in moment.schema.gone_indexes)
            if one.kind == "index" and gone and moment.schema.index(one.name) is None:
                yield Report(
                    f"PostgreSQL refuses it: there is no index {one.name}", "correct the name, or write IF EXISTS"
                )


def _columns(moment: Moment) -> Iterator[Report]:
    if moment.statement.kind not in ("alter_table_stmt", "index_stmt", "insert_stmt", "update_stmt"):
        return
    table = moment.schema.table(name_of(moment.tree.relation))
    if table is None or table.kind is not RelationKind.TABLE or table.parents or not table.columns:
        return
    for name in dict.fromkeys(_named(moment, table)):
        if not table.column(name):
            yield Report(f"PostgreSQL refuses it: {table.name} has no column {quote(name)}", "correct the name")


def _named(moment: Moment, table: Table) -> Iterator[str]:
    """Yield the columns of the table that the statement takes to be there."""
    kind, tree = moment.statement.kind, moment.tree
    if kind == "index_stmt":
        yield from (one.index_elem.name for one in tree.index_params if one.index_elem.name)
    elif kind == "insert_stmt":
        yield from (one.res_target.name for one in tree.cols)
    elif kind == "update_stmt":
        yield from (one.res_target.name for one in tree.target_list if one.res_target.name)
    else:
        commands = [node.alter_table_cmd for node in tree.cmds]
        added = {definition(one).colname for one in commands if field_enum(one, "subtype") == "AT_AddColumn"}
        for one in commands:
            constraint = constraint_of(definition(one), table.name) if _adds_constraint(one) else None
            yield from (name for name in constraint.columns if name not in added) if constraint else ()


def _adds_constraint(command: Tree) -> bool:
    return field_enum(command, "subtype") == "AT_AddConstraint" and not definition(command).indexname
