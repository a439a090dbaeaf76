"""What is there already cannot be made again.

What it does
------------
Reports, as far as the schema, the history and the script tell, tables, views, columns, constraints, indexes, sequences,
schemas, enums, functions, triggers and policies that are made under a name that is taken, an enum label that the type
has, and `ADD VALUE ... BEFORE` or `AFTER` a label that it does not have.

Why it is bad
-------------
PostgreSQL refuses the statement, and what was committed before it stays half done.

What to do instead
------------------
Choose another name; write `IF NOT EXISTS` where it may be there, and is then the same thing.

When it does not apply
----------------------
With `IF NOT EXISTS`, inside DO blocks, which may ask before or catch the error, in downgrades, and under a
`search_path` that the script sets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.schema.types import signature_of
from migrator.sql.commands import definition
from migrator.sql.context import Table
from migrator.sql.names import Name, name_of, named, quote
from migrator.sql.parser import Tree, field_enum, kind_of, strings

HAZARD = Hazard.FAILS
_SETUP = (
    "CREATE TABLE orders (id int, n int CONSTRAINT n_ok CHECK (n > 0)); CREATE INDEX n_idx ON orders (n); "
    "CREATE TYPE mood AS ENUM ('ok', 'bad');"
)
_TRIGGER = "CREATE TRIGGER told AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION tell();"
_FUNCTION = "CREATE FUNCTION one(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';"
BAD = (
    Example(sql="CREATE TABLE orders (a int);", setup=_SETUP),
    Example(sql="ALTER TABLE orders ADD COLUMN n int;", setup=_SETUP),
    Example(sql="ALTER TABLE orders ADD CONSTRAINT n_ok CHECK (n < 9) NOT VALID;", setup=_SETUP),
    Example(sql="CREATE INDEX CONCURRENTLY n_idx ON orders (id);", setup=_SETUP),
    Example(sql="ALTER TYPE mood ADD VALUE 'ok';", setup=_SETUP),
    Example(sql="ALTER TYPE mood RENAME VALUE 'ok' TO 'bad';", setup=_SETUP),
    Example(sql="ALTER TYPE mood ADD VALUE 'good' AFTER 'fine';", setup=_SETUP),
    Example(sql="CREATE TYPE size AS ENUM ('s', 'm', 's');"),
    Example(sql="CREATE TYPE mood AS ENUM ('new');", setup=_SETUP),
    Example(sql="CREATE VIEW orders AS SELECT 1 AS a;", setup=_SETUP),
    Example(sql="CREATE SEQUENCE numbers;", setup="CREATE SEQUENCE numbers;"),
    Example(sql="CREATE SCHEMA billing;", setup="CREATE SCHEMA billing;"),
    Example(sql=_TRIGGER, setup=f"{_SETUP} {_TRIGGER}"),
    Example(sql="CREATE POLICY own ON orders USING (n > 1);", setup=f"{_SETUP} CREATE POLICY own ON orders;"),
    Example(sql=_FUNCTION, setup=_FUNCTION),
    Example(sql="CREATE TABLE t (a int, b int, a text);"),
)
GOOD = (
    Example(sql="CREATE TABLE IF NOT EXISTS orders (a int);", setup=_SETUP),
    Example(sql="ALTER TABLE orders ADD COLUMN IF NOT EXISTS n int;", setup=_SETUP),
    Example(sql="ALTER TABLE orders DROP CONSTRAINT n_ok, ADD CONSTRAINT n_ok CHECK (n < 9) NOT VALID;", setup=_SETUP),
    Example(sql="ALTER TABLE orders DROP n, ADD CONSTRAINT n_ok CHECK (id < 9) NOT VALID;", setup=_SETUP),
    Example(sql="DROP INDEX CONCURRENTLY n_idx; CREATE INDEX CONCURRENTLY n_idx ON orders (id);", setup=_SETUP),
    Example(sql="ALTER TYPE mood ADD VALUE IF NOT EXISTS 'ok';", setup=_SETUP),
    Example(sql="ALTER TYPE mood ADD VALUE 'good' AFTER 'ok';", setup=_SETUP),
    Example(sql="CREATE TABLE archive.orders (a int);", setup=_SETUP),
    Example(sql=f"DROP TRIGGER told ON orders; {_TRIGGER}", setup=f"{_SETUP} {_TRIGGER}"),
    Example(sql=f"DROP TABLE orders; CREATE TABLE orders (n int); {_TRIGGER}", setup=f"{_SETUP} {_TRIGGER}"),
    Example(sql=f"ALTER TRIGGER told ON orders RENAME TO old; {_TRIGGER}", setup=f"{_SETUP} {_TRIGGER}"),
    Example(sql=_FUNCTION.replace("(a int)", "(a text)"), setup=_FUNCTION),
    Example(sql="ALTER TYPE mood RENAME TO old; CREATE TYPE mood AS ENUM ('new');", setup=_SETUP),
    Example(sql="DROP SEQUENCE numbers; CREATE SEQUENCE numbers;", setup="CREATE SEQUENCE numbers;"),
    Example(
        sql="DO $$ BEGIN ALTER TABLE orders ADD n int; EXCEPTION WHEN duplicate_column THEN NULL; END $$;", setup=_SETUP
    ),
)
_OTHERWISE = "choose another name, or write IF NOT EXISTS where it is the same thing"


def find(moment: Moment) -> Iterator[Report]:
    """Yield each name that is taken."""
    if moment.conditional or moment.downgrade or moment.transaction.setting("search_path") is not None:
        return
    for what in (*_of_relation(moment), *_of_others(moment), *_of_parts(moment), *_of_enum(moment)):
        yield Report(f"PostgreSQL refuses it: {what}", _OTHERWISE)


def _of_relation(moment: Moment) -> Iterator[str]:
    kind, tree = moment.statement.kind, moment.tree
    if kind == "create_stmt" and not tree.if_not_exists and tree.relation.relpersistence != "t":
        yield from _relation(moment, name_of(tree.relation))
        columns = Counter(one.column_def.colname for one in tree.table_elts if kind_of(one) == "column_def")
        yield from (f"the column {quote(name)} is there twice" for name, count in columns.items() if count > 1)
    elif kind == "create_table_as_stmt" and not tree.if_not_exists and tree.into.rel.relpersistence != "t":
        yield from _relation(moment, name_of(tree.into.rel))
    elif kind == "view_stmt" and not tree.replace and tree.view.relpersistence != "t":
        yield from _relation(moment, name_of(tree.view))
    elif kind == "index_stmt" and tree.idxname and not tree.if_not_exists:
        name = name_of(tree.relation).beside(tree.idxname)
        index = moment.schema.index(name)
        if index is not None and _exactly(index.name, name):
            yield f"there is an index {name} of {index.table}"


def _of_others(moment: Moment) -> Iterator[str]:
    kind, tree = moment.statement.kind, moment.tree
    if kind == "create_seq_stmt" and not tree.if_not_exists and tree.sequence.relpersistence != "t":
        name = name_of(tree.sequence)
        yield from (f"there is a sequence {one}" for one in _standing(moment, "sequence") if _is_it(one, name))
    elif kind == "create_schema_stmt" and not tree.if_not_exists:
        name = Name(tree.schemaname)
        yield from (f"there is a schema {one}" for one in _standing(moment, "schema") if one == name)
    elif kind == "create_trig_stmt" and not tree.replace:
        yield from _of_its_own(name_of(tree.relation), "trigger", tree.trigname, moment.schema.triggers)
    elif kind == "create_policy_stmt":
        yield from _of_its_own(name_of(tree.table), "policy", tree.policy_name, moment.schema.policies)
    elif kind == "create_function_stmt" and not tree.replace:
        yield from _functions(moment, tree)


def _of_its_own(table: Name, kind: str, name: str, known: Container[tuple[str, str]]) -> Iterator[str]:
    if (table.name, name) in known:
        yield f"{table} has a {kind} {quote(name)}"


def _functions(moment: Moment, tree: Tree) -> Iterator[str]:
    made, parts = signature_of(tree), strings(tree.funcname)
    name = named(parts)
    if made is not None and any(one.types == made.types for one in moment.schema.functions(name)):
        yield f"there is a function {name}({', '.join(made.types)})"


def _relation(moment: Moment, name: Name) -> Iterator[str]:
    known = moment.schema.table(name)
    if known is not None and _exactly(known.name, name):
        yield f"there is a {known.kind.value} {name}"


def _standing(moment: Moment, kind: str) -> Iterator[Name]:
    return (name for found, name in moment.schema.standing if found == kind)


def _is_it(known: Name, name: Name) -> bool:
    return known.name == name.name and _exactly(known, name)


def _of_parts(moment: Moment) -> Iterator[str]:
    if moment.statement.kind != "alter_table_stmt" or field_enum(moment.tree, "objtype") != "OBJECT_TABLE":
        return
    name = name_of(moment.tree.relation)
    table = moment.schema.table(name)
    commands = [node.alter_table_cmd for node in moment.tree.cmds]
    dropped = {one.name for one in commands if field_enum(one, "subtype") in ("AT_DropColumn", "AT_DropConstraint")}
    dropped |= {one.name for one in (table.constraints if table else ()) if dropped & {*one.columns}}
    for one in commands:
        subtype = field_enum(one, "subtype")
        name_of_part = _added(one, subtype)
        if name_of_part and name_of_part not in dropped and _has(table, name_of_part, subtype):
            yield f"{name} has a {_PARTS[subtype]} {quote(name_of_part)}"


_PARTS = {"AT_AddColumn": "column", "AT_AddConstraint": "constraint"}


def _added(command: Tree, subtype: str) -> str:
    """Return the name of the column or constraint that has to be new."""
    if subtype == "AT_AddColumn" and not command.missing_ok:
        return str(definition(command).colname)
    return str(definition(command).conname) if subtype == "AT_AddConstraint" else ""


def _has(table: Table | None, part: str, subtype: str) -> bool:
    if table is None:
        return False
    return bool(table.column(part) if subtype == "AT_AddColumn" else table.constraint(part))


def _of_enum(moment: Moment) -> Iterator[str]:
    tree = moment.tree
    if moment.statement.kind == "create_enum_stmt":
        labels, parts = strings(tree.vals), strings(tree.type_name)
        name = named(parts)
        yield from (f"there is an enum {one}" for one in moment.schema.enums if _is_it(one, name))
        yield from (f"the label '{one}' is there twice" for one in dict.fromkeys(labels) if labels.count(one) > 1)
    elif moment.statement.kind == "alter_enum_stmt":
        parts = strings(tree.type_name)
        name = named(parts)
        known = next((labels for enum, labels in moment.schema.enums.items() if enum.same(name)), None)
        if known is None:
            return
        if tree.new_val in known and not tree.skip_if_new_val_exists:
            yield f"{name} has the label '{tree.new_val}'"
        if tree.new_val_neighbor and tree.new_val_neighbor not in known:
            yield f"{name} has no label '{tree.new_val_neighbor}'"


def _exactly(known: Name, name: Name) -> bool:
    """Say whether both are in the same schema: public where none is given."""
    return (known.schema or "public") == (name.schema or "public")
