"""PostgreSQL takes no expression here whose value can change, or that looks at other rows.

What it does
------------
Reports, in the expressions and the WHERE of an index, in generated columns and in expressions to partition by:
functions that are known not to be immutable, `CURRENT_DATE` and the like, conversions that depend on the session's
settings, subqueries and aggregates; in checks: subqueries; in defaults: columns; in virtual generated columns:
functions that are not built in; a new expression for a virtual column of a table that has a check.

Why it is bad
-------------
The statement fails.

What to do instead
------------------
Use what depends on the row alone: `(placed_at AT TIME ZONE 'UTC')::date`, `coalesce(a, '') || b`. Where a function is
immutable in truth, declare it so. Leave `now()` out of a partial index: a fixed date can be moved by a new index.

When it does not apply
----------------------
Functions that are not known, and columns whose type is not known.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.schema.columns import column_of, columns_in
from migrator.sql.column_type import read_type, type_of
from migrator.sql.commands import definition
from migrator.sql.context import Table, Volatility
from migrator.sql.names import Name, name_of
from migrator.sql.parser import Tree, field_enum, kind_of, sorted_out, strings
from migrator.sql.volatility import AGGREGATES, CHANGING, CHANGING_BY_SETTINGS, CHANGING_BY_ZONE, function_name

HAZARD = Hazard.FAILS
_SETUP = (
    "CREATE TABLE orders (id int, note text, placed timestamptz, day date, naive timestamp); "
    "CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2 * $1'; "
    "CREATE FUNCTION tenant() RETURNS text LANGUAGE sql STABLE AS 'SELECT current_setting(''a.b'')';"
)
BAD = (
    Example(sql="CREATE INDEX CONCURRENTLY i ON orders ((placed::date));", setup=_SETUP),
    Example(sql="CREATE INDEX CONCURRENTLY i ON orders (id) WHERE placed > now() - interval '90 days';", setup=_SETUP),
    Example(sql="CREATE INDEX CONCURRENTLY i ON orders (to_tsvector(note));", setup=_SETUP),
    Example(sql="CREATE INDEX CONCURRENTLY i ON orders (id) WHERE note = tenant();", setup=_SETUP),
    Example(sql="ALTER TABLE orders ADD d text GENERATED ALWAYS AS (concat(note, id)) STORED;", setup=_SETUP),
    Example(sql="ALTER TABLE orders ADD n int GENERATED ALWAYS AS (twice(id)) VIRTUAL;", setup=_SETUP, pg_version=18),
    Example(sql="ALTER TABLE orders ADD CHECK (id IN (SELECT id FROM orders)) NOT VALID;", setup=_SETUP),
    Example(sql="ALTER TABLE orders ADD m int DEFAULT id;", setup=_SETUP),
    Example(sql="ALTER TABLE orders ADD CHECK (sum(id) > 0) NOT VALID;", setup=_SETUP),
    Example(
        sql="ALTER TABLE a ALTER b SET EXPRESSION AS (n + 1);",
        setup="CREATE TABLE a (n int CHECK (n > 0), b int GENERATED ALWAYS AS (n) VIRTUAL);",
        pg_version=18,
    ),
)
GOOD = (
    Example(sql="CREATE INDEX CONCURRENTLY i ON orders (((placed AT TIME ZONE 'UTC')::date));", setup=_SETUP),
    Example(sql="CREATE INDEX CONCURRENTLY i ON orders (date_trunc('day', naive));", setup=_SETUP),
    Example(sql="CREATE INDEX CONCURRENTLY i ON orders (to_tsvector('english', note)) WHERE id > 3;", setup=_SETUP),
    Example(sql="CREATE INDEX CONCURRENTLY i ON orders (twice(id), (naive::date), (id::text));", setup=_SETUP),
    Example(sql="ALTER TABLE orders ADD CHECK (day < now()) NOT VALID;", setup=_SETUP),
    Example(sql="ALTER TABLE orders ADD m timestamptz DEFAULT now();", setup=_SETUP),
)
_BY_CONFIGURATION = frozenset({"to_tsvector", "to_tsquery", "plainto_tsquery", "phraseto_tsquery"})
"""Immutable only with the name of a text search configuration."""


def find(moment: Moment) -> Iterator[Report]:
    """Yield each expression that PostgreSQL does not take."""
    for name, command in moment.commands("AT_SetExpression"):
        known = moment.schema.known(name)
        column = known.column(command.name)
        checks = any(one.kind == "check" for one in known.constraints)
        if checks and column is not None and column.generated == "virtual":
            yield Report(
                f"PostgreSQL refuses it: {command.name} is virtual, and {name} has a check",
                f"add a column with the new expression, and drop {command.name} when nobody reads it",
            )
    for what, table, expression in _expressions(moment):
        reason = next(_reasons(moment, what, table, expression), None)
        if reason:
            yield Report(f"PostgreSQL refuses the expression of {what}: {reason}", "use what depends on the row alone")


def _expressions(moment: Moment) -> Iterator[tuple[str, Table, Tree]]:
    """Yield each expression of the statement with what it is for and the table it is over."""
    tree = moment.tree
    if moment.statement.kind == "index_stmt":
        yield from _of_index(tree, moment.schema.known(name_of(tree.relation)))
    elif moment.statement.kind == "create_stmt":
        yield from _of_table(tree)
    elif moment.statement.kind == "alter_table_stmt":
        table = moment.schema.known(name_of(tree.relation))
        for node in tree.cmds:
            subtype = field_enum(node.alter_table_cmd, "subtype")
            if subtype == "AT_AddColumn" and not moment.has_already(table.name, node.alter_table_cmd):
                yield from _of_column(definition(node.alter_table_cmd), table)
            elif subtype == "AT_AddConstraint":
                yield from _of_constraint(definition(node.alter_table_cmd), table)
            elif subtype == "AT_SetExpression":
                column = table.column(node.alter_table_cmd.name)
                kind = "a virtual column" if column and column.generated == "virtual" else "a generated column"
                yield kind, table, getattr(node.alter_table_cmd, "def")


def _of_index(tree: Tree, table: Table) -> Iterator[tuple[str, Table, Tree]]:
    yield from (("an index", table, one.index_elem.expr) for one in tree.index_params if not one.index_elem.name)
    if tree.HasField("where_clause"):
        yield "a partial index", table, tree.where_clause


def _of_table(tree: Tree) -> Iterator[tuple[str, Table, Tree]]:
    columns = [node.column_def for node in tree.table_elts if kind_of(node) == "column_def"]
    table = Table(name_of(tree.relation), columns=tuple(column_of(one) for one in columns))
    for column in columns:
        yield from _of_column(column, table)
    for node in tree.table_elts:
        if kind_of(node) == "constraint":
            yield from _of_constraint(node.constraint, table)
    if tree.HasField("partspec"):
        parts = sorted_out(tree.partspec)["PartitionElem"]
        yield from (("the partition key", table, one.expr) for one in parts if not one.name)


def _of_column(column: Tree, table: Table) -> Iterator[tuple[str, Table, Tree]]:
    for node in column.constraints:
        kind, one = field_enum(node.constraint, "contype"), node.constraint
        if kind == "CONSTR_GENERATED":
            yield "a virtual column" if one.generated_kind == "v" else "a generated column", table, one.raw_expr
        elif kind == "CONSTR_DEFAULT":
            yield "a default", table, one.raw_expr
        else:
            yield from _of_constraint(one, table)


def _of_constraint(constraint: Tree, table: Table) -> Iterator[tuple[str, Table, Tree]]:
    if field_enum(constraint, "contype") == "CONSTR_CHECK":
        yield "a check", table, constraint.raw_expr


def _reasons(moment: Moment, what: str, table: Table, expression: Tree) -> Iterator[str]:
    nodes = sorted_out(expression)
    if nodes["SubLink"]:
        yield "it has a subquery"
    if what == "a default":
        yield from (
            f"it names the column {strings(one.fields)[-1]}" for one in nodes["ColumnRef"] if strings(one.fields)
        )
    for call in nodes["FuncCall"]:
        yield from _of_aggregate(moment, function_name(call), call)
    if what in ("a default", "a check"):
        return
    generated = {one.name for one in table.columns if one.generated}
    if what in ("a generated column", "a virtual column"):
        yield from (f"{one} is generated, too" for one in columns_in(expression) if one in generated)
    if nodes["SQLValueFunction"]:
        yield "its value changes from moment to moment or user to user"
    for call in nodes["FuncCall"]:
        yield from _of_call(moment, what, table, call)
    for cast in nodes["TypeCast"]:
        before, after = _type_of_column(table, cast.arg), type_of(cast.type_name)
        if before and after.built_in and not after.array and after.name in CHANGING_BY_SETTINGS.get(before, ()):
            yield f"{_column(cast.arg)} is converted to {after.name}, which depends on the session's settings"


def _of_aggregate(moment: Moment, name: Name, call: Tree) -> Iterator[str]:
    built_in = moment.schema.volatility(name) is None and name.schema in (None, "pg_catalog")
    if built_in and name.name in AGGREGATES and not call.HasField("over"):
        yield f"{name} is an aggregate"


def _of_call(moment: Moment, what: str, table: Table, call: Tree) -> Iterator[str]:
    name = function_name(call)
    known = moment.schema.volatility(name)
    built_in = known is None and name.schema in (None, "pg_catalog")
    if known in (Volatility.STABLE, Volatility.VOLATILE) or (built_in and name.name in CHANGING):
        yield f"{name} is not immutable"
    elif known is not None and what == "a virtual column":
        yield f"{name} is not built in"
    elif (
        built_in
        and name.name in CHANGING_BY_ZONE
        and "timestamptz" in {_type_of_column(table, one) for one in call.args}
    ):
        yield f"{name} of a timestamp with time zone depends on the session's time zone"
    elif built_in and name.name in _BY_CONFIGURATION and len(call.args) == 1:
        yield f"{name} without a configuration depends on default_text_search_config"


def _type_of_column(table: Table, expression: Tree) -> str:
    """Return the built-in type of a column that stands there by itself; empty for everything else."""
    column = table.column(_column(expression)) if kind_of(expression) == "column_ref" else None
    known = read_type(column.type) if column is not None and column.type else None
    return known.name if known is not None and known.built_in and not known.array else ""


def _column(expression: Tree) -> str:
    return (strings(expression.column_ref.fields) or ("",))[-1]
