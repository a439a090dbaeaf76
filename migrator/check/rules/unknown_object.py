"""A table or constraint that does not exist cannot be changed.

What it does
------------
Reports tables that `ALTER TABLE`, `CREATE INDEX`, `CREATE TRIGGER`, foreign keys, `INSERT`, `UPDATE` and `DELETE` name,
columns that they name, constraints that are validated or dropped, indexes that are dropped, and functions that triggers
call, which are neither in the schema that `--schema` gives nor made by the script; and tables that are named without
their schema under an empty `search_path`.

Why it is bad
-------------
PostgreSQL refuses the statement, and what was committed before it stays half done.

What to do instead
------------------
Correct the name; write `IF EXISTS` where the object may be missing.

When it does not apply
----------------------
After statements that cannot be looked into, and with `IF EXISTS`. Without `--schema` it knows the columns and
constraints of those tables that the script or an earlier revision created, and the indexes that went with a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from migrator.check.blocks import SOME_NAME
from migrator.check.finding import Hazard
from migrator.check.foreign_keys import foreign_keys
from migrator.check.moment import Moment
from migrator.check.new_constraints import new_constraints
from migrator.check.rule import Example, Report
from migrator.check.schema.columns import constraint_of
from migrator.sql.commands import definition
from migrator.sql.context import RelationKind, Table
from migrator.sql.names import SYSTEM_COLUMNS, Name, name_of, named, quote
from migrator.sql.parser import Tree, field_enum, kind_of, sorted_out, strings

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
    Example(sql="UPDATE t SET a = 1 WHERE b = 1;", setup="CREATE TABLE t (a int);", complete=True),
    Example(sql="UPDATE t SET a = b + 1 WHERE a = 1;", setup="CREATE TABLE t (a int);", complete=True),
    Example(
        sql="INSERT INTO n (a) SELECT upper(b) FROM t WHERE a = '1';",
        setup="CREATE TABLE t (a text); CREATE TABLE n (a text);",
        complete=True,
    ),
    Example(sql="CREATE TABLE n (a int, PRIMARY KEY (b));"),
    Example(sql="SELECT set_config('search_path', '', false); ALTER TABLE t ADD COLUMN b int;"),
    Example(sql="DELETE FROM nobody WHERE a = 1;", setup="CREATE TABLE t (a int);", complete=True),
    Example(sql="ALTER TABLE t ALTER b SET DEFAULT 1;", setup="CREATE TABLE t (a int);", complete=True),
    Example(sql="CREATE TABLE n (a int REFERENCES nobody);", setup="CREATE TABLE t (a int);", complete=True),
    Example(
        sql="CREATE TRIGGER r AFTER UPDATE OF b ON t FOR EACH ROW EXECUTE FUNCTION f();",
        setup="CREATE TABLE t (a int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END';",
        complete=True,
    ),
    Example(
        sql="CREATE TRIGGER r AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f();",
        setup="CREATE TABLE t (a int);",
        complete=True,
    ),
    Example(
        sql="BEGIN; CREATE TABLE n (a int); ROLLBACK; ALTER TABLE n ADD COLUMN b int;",
        setup="CREATE TABLE t (a int);",
        complete=True,
    ),
)
GOOD = (
    Example(sql="SET search_path = ''; CREATE TEMP TABLE x (a int); INSERT INTO x VALUES (1);"),
    Example(sql="SELECT set_config('search_path', '', false); ALTER TABLE public.t ADD COLUMN b int;"),
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
    Example(
        sql="INSERT INTO t (a) SELECT x.b FROM t AS x (b) WHERE b = 1;", setup="CREATE TABLE t (a int);", complete=True
    ),
    Example(
        sql="INSERT INTO t (a) SELECT b FROM (SELECT 1 AS b) x; UPDATE t SET a = (SELECT b FROM n WHERE t.a = b);"
        " UPDATE t AS x SET a = b FROM n WHERE x.a = b; UPDATE t SET a = 2 WHERE t IS NOT NULL;",
        setup="CREATE TABLE t (a int); CREATE TABLE n (b int);",
        complete=True,
    ),
    Example(
        sql="DO $$ DECLARE b int := 1; BEGIN UPDATE t SET a = b; INSERT INTO t SELECT b FROM t WHERE a = b; END $$;",
        setup="CREATE TABLE t (a int);",
        complete=True,
    ),
    Example(sql="DELETE FROM t AS x WHERE x.a = 1 AND ctid = '(0,1)';", setup="CREATE TABLE t (a int);", complete=True),
    Example(
        sql="CREATE TABLE n (id int PRIMARY KEY, up int REFERENCES n);", setup="CREATE TABLE t (a int);", complete=True
    ),
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
    yield from _columns(moment)
    if moment.statement.kind in _OF_ONE_TABLE and moment.transaction.setting("search_path") == "":
        yield from _without_schema(moment)
    if moment.schema.complete:
        yield from (
            Report(f"PostgreSQL refuses it: there is no table {name}", "correct the name, or make the table before")
            for name in dict.fromkeys(_tables(moment))
            if name.name != SOME_NAME and name.schema not in _CATALOGS and moment.schema.table(name) is None
        )
        yield from _trigger_functions(moment)
    yield from _keys_of_new(moment)
    if moment.statement.kind == "alter_table_stmt":
        table = moment.schema.table(name_of(moment.tree.relation))
        if table is not None and moment.schema.is_whole(table.name):
            yield from (report for one in moment.tree.cmds for report in _parts(table, one.alter_table_cmd))


_OF_ONE_TABLE = ("create_stmt", "alter_table_stmt", "index_stmt", "insert_stmt", "update_stmt", "delete_stmt")
_CATALOGS = ("pg_catalog", "information_schema", "pg_temp")


def _without_schema(moment: Moment) -> Iterator[Report]:
    """Yield the table that is named without its schema where no schema is looked through but that of temporary ones."""
    name = name_of(moment.tree.relation)
    known = moment.schema.table(name)
    temporary = moment.tree.relation.relpersistence == "t" or (known is not None and known.name.schema == "pg_temp")
    if name.name and not name.schema and not temporary:
        yield Report(
            f"PostgreSQL refuses it: search_path is empty, and {name} is given without its schema", f"public.{name}"
        )


def _trigger_functions(moment: Moment) -> Iterator[Report]:
    """Yield the function of a new trigger; extensions, and PostgreSQL itself, may bring some along."""
    if moment.statement.kind != "create_trig_stmt" or moment.schema.extensions - {"plpgsql"}:
        return
    parts = strings(moment.tree.funcname)
    name = named(parts)
    known = any(one.same(name) for one in (*moment.schema.bodies, *moment.schema.signatures))
    if not known and name.schema != "pg_catalog" and name.name not in _TRIGGER_FUNCTIONS:
        yield Report(f"PostgreSQL refuses it: there is no function {name}()", "make the function before")


_TRIGGER_FUNCTIONS = (
    "suppress_redundant_updates_trigger", "tsvector_update_trigger", "tsvector_update_trigger_column",
)  # fmt: skip


def _keys_of_new(moment: Moment) -> Iterator[Report]:
    """Yield the columns that the keys of a new table name, and that it does not have."""
    if moment.statement.kind != "create_stmt" or moment.tree.inh_relations:
        return
    table, made = name_of(moment.tree.relation), [kind_of(one) for one in moment.tree.table_elts]
    if not set(made) <= {"column_def", "constraint"}:
        return
    columns = {one.column_def.colname for one in moment.tree.table_elts if kind_of(one) == "column_def"}
    for node, column in new_constraints(moment):
        one = None if column else constraint_of(node, table)
        for name in one.columns if one is not None else ():
            if name not in columns:
                yield Report(f"PostgreSQL refuses it: {table} has no column {quote(name)}", "correct the name")


def _tables(moment: Moment) -> Iterator[Name]:
    """Yield the tables that the statement takes to be there."""
    kind, tree = moment.statement.kind, moment.tree
    if kind == "alter_table_stmt":
        subtypes = [field_enum(one.alter_table_cmd, "subtype") for one in tree.cmds]
        if field_enum(tree, "objtype") == "OBJECT_TABLE" and not tree.missing_ok:
            yield from (name_of(tree.relation) for one in subtypes if any(word in one for word in _OF_TABLES))
    elif kind in ("index_stmt", "create_trig_stmt"):
        yield name_of(tree.relation)
    elif kind in ("insert_stmt", "update_stmt", "delete_stmt"):
        yield from () if name_of(tree.relation).name.startswith("pg_") else (name_of(tree.relation),)
    elif kind == "create_stmt":
        yield from (name_of(one.range_var) for one in tree.inh_relations)
    made = name_of(tree.relation) if kind == "create_stmt" else None
    yield from (key.references for key in foreign_keys(moment) if made is None or not key.references.same(made))


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
    if moment.statement.kind in _OVER_COLUMNS:
        yield from _missing(moment, moment.tree.relation, lambda table: _named(moment, table))
    if moment.statement.kind == "insert_stmt" and (source := _source(moment.tree)) is not None:
        selected = moment.tree.select_stmt.select_stmt
        nodes = [one.res_target.val for one in selected.target_list]
        yield from _missing(moment, source, lambda _: _in_expressions(source, [*nodes, selected.where_clause]))


def _missing(moment: Moment, relation: Tree, names: Callable[[Table], Iterable[str]]) -> Iterator[Report]:
    """Yield those of the names that no column of the relation has, where all of its columns are known."""
    table = moment.schema.table(name_of(relation))
    if table is None or table.kind is not RelationKind.TABLE or table.parents or not table.columns:
        return
    if not moment.schema.is_whole(table.name):
        return
    for name in dict.fromkeys(names(table)):
        if not table.column(name):
            yield Report(f"PostgreSQL refuses it: {table.name} has no column {quote(name)}", "correct the name")


def _source(insertion: Tree) -> Tree | None:
    """Return the one table whose rows are inserted."""
    selected = insertion.select_stmt.select_stmt
    if len(selected.from_clause) != 1 or insertion.HasField("with_clause") or selected.HasField("with_clause"):
        return None
    source = selected.from_clause[0].range_var  # empty where it is anything else
    return source if source.relname and not source.alias.colnames else None


_OVER_COLUMNS = (
    "alter_table_stmt", "index_stmt", "insert_stmt", "update_stmt", "delete_stmt", "create_trig_stmt",
)  # fmt: skip
_OF_COLUMNS = ("AT_ColumnDefault", "AT_SetNotNull", "AT_DropNotNull", "AT_SetStatistics", "AT_SetStorage",
               "AT_AlterColumnType", "AT_AddIdentity", "AT_SetIdentity")  # fmt: skip


def _named(moment: Moment, table: Table) -> Iterator[str]:
    """Yield the columns of the table that the statement takes to be there."""
    kind, tree = moment.statement.kind, moment.tree
    if kind == "index_stmt":
        yield from (one.index_elem.name for one in tree.index_params if one.index_elem.name)
    elif kind == "insert_stmt":
        yield from (one.res_target.name for one in tree.cols)
    elif kind == "update_stmt":
        yield from (one.res_target.name for one in tree.target_list if one.res_target.name)
        if not tree.from_clause:
            values = [one.res_target.val for one in tree.target_list]
            yield from _in_expressions(tree.relation, [*values, tree.where_clause])
    elif kind == "delete_stmt":
        yield from () if tree.using_clause else _in_expressions(tree.relation, [tree.where_clause])
    elif kind == "create_trig_stmt":
        yield from strings(tree.columns)
    else:
        commands = [node.alter_table_cmd for node in tree.cmds]
        added = {definition(one).colname for one in commands if field_enum(one, "subtype") == "AT_AddColumn"}
        for one in commands:
            constraint = constraint_of(definition(one), table.name) if _adds_constraint(one) else None
            altered = (one.name,) if field_enum(one, "subtype") in _OF_COLUMNS and one.name else ()
            yield from (name for name in (constraint.columns if constraint else altered) if name not in added)


def _in_expressions(relation: Tree, nodes: Iterable[Tree]) -> Iterator[str]:
    """Yield the columns that expressions name, where there is no other relation that they may be of."""
    others = {relation.alias.aliasname or relation.relname, *SYSTEM_COLUMNS}
    for found in map(sorted_out, nodes):
        for one in () if found["SubLink"] else found["ColumnRef"]:
            if len(one.fields) == 1:
                yield from {*strings(one.fields)} - others


def _adds_constraint(command: Tree) -> bool:
    return field_enum(command, "subtype") == "AT_AddConstraint" and not definition(command).indexname
