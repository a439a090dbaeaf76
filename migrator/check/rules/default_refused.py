"""A default that is no value of its column, or that a check refuses, fails now or at the first INSERT.

What it does
------------
Reports constants as defaults that are no value of the column's type: text for a number or a time, the name of a
function in quotes, a label that the enum has not; and those that a check of the table refuses, as far as it compares
the column with constants.

Why it is bad
-------------
PostgreSQL refuses a default that is no value. One that breaks a check, NOT VALID or not, is taken, and then every
INSERT that leaves the column out fails.

What to do instead
------------------
Write functions without quotes: `DEFAULT CURRENT_TIMESTAMP`, in Alembic `server_default=sa.text("CURRENT_TIMESTAMP")`.
Add the label to the enum in an earlier transaction. Choose a default that the check takes, before the check.

When it does not apply
----------------------
Expressions, types and checks that are not known.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.literals import Value, is_no_value, refuses, value_of
from migrator.check.moment import Moment
from migrator.check.new_columns import new_columns
from migrator.check.rule import Example, Report
from migrator.check.schema.columns import constraint_of, type_sql
from migrator.sql.commands import definition
from migrator.sql.context import Constraint
from migrator.sql.errors import SqlError
from migrator.sql.names import Name, name_of, quote
from migrator.sql.parser import Tree, field_enum, parse_tree

HAZARD = Hazard.FAILS
_SETUP = (
    "CREATE TYPE mood AS ENUM ('ok', 'bad'); CREATE TABLE t (n int DEFAULT 1 CHECK (n > 0), m mood, at timestamptz, "
    "note text NOT NULL DEFAULT '');"
)
BAD = (
    Example(sql="ALTER TABLE t ADD COLUMN made timestamptz DEFAULT 'CURRENT_TIMESTAMP';", setup=_SETUP),
    Example(sql="ALTER TABLE t ADD COLUMN size int DEFAULT '';", setup=_SETUP),
    Example(sql="ALTER TABLE t ALTER COLUMN m SET DEFAULT 'fine';", setup=_SETUP),
    Example(sql="ALTER TABLE t ALTER COLUMN n SET DEFAULT 0;", setup=_SETUP),
    Example(sql="ALTER TABLE t ADD CONSTRAINT c CHECK (note <> '' AND at IS NOT NULL) NOT VALID;", setup=_SETUP),
    Example(sql="CREATE TABLE u (m mood DEFAULT 'fine');", setup=_SETUP),
)
GOOD = (
    Example(sql="ALTER TABLE t ADD COLUMN made timestamptz DEFAULT CURRENT_TIMESTAMP;", setup=_SETUP),
    Example(sql="ALTER TABLE t ADD COLUMN made date NOT NULL DEFAULT '2024-01-01';", setup=_SETUP),
    Example(sql="ALTER TABLE t ADD COLUMN size int DEFAULT '-1', ADD COLUMN yes bool DEFAULT 'f';", setup=_SETUP),
    Example(sql="ALTER TABLE t ALTER COLUMN m SET DEFAULT 'bad'::mood;", setup=_SETUP),
    Example(sql="ALTER TABLE t ALTER COLUMN n SET DEFAULT 5;", setup=_SETUP),
    Example(sql="ALTER TABLE t ADD CONSTRAINT c CHECK (note <> 'x' OR n > 3) NOT VALID;", setup=_SETUP),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each default that cannot stand."""
    if moment.conditional or moment.statement.kind not in ("create_stmt", "alter_table_stmt"):
        return
    table = moment.schema.known(name_of(moment.tree.relation))
    types = {one.name: one.type for one in table.columns}
    types |= {one.colname: type_sql(one.type_name) for _, one in new_columns(moment)}
    checks = [one for one in table.constraints if one.kind == "check"]
    for column, default in _defaults(moment):
        value, type_ = value_of(default), types.get(column, "")
        if isinstance(value, str) and type_ and is_no_value(value, type_, moment.schema):
            yield Report(
                f"PostgreSQL refuses it: '{value}' is no value of {quote(column)}, which is {type_}",
                "a value of that type; the name of a function without quotes",
            )
        elif value is not None:
            yield from _refused(checks, column, value)
    for check in _new_checks(moment, table.name):
        for column in check.columns:
            default = moment.schema.default_texts.get((table.name.name, column))
            value = _value_in(default) if default is not None else None
            if value is not None:
                yield from _refused([check], column, value)


def _refused(checks: list[Constraint], column: str, value: Value) -> Iterator[Report]:
    for check in checks:
        if refuses(check.expression, column, value):
            yield Report(
                f"an INSERT that leaves out {quote(column)} fails from now on: {check.name} refuses its default",
                f"first give {quote(column)} a default that CHECK ({check.expression}) takes",
            )


def _defaults(moment: Moment) -> Iterator[tuple[str, Tree]]:
    """Yield each column that gets a default, with its expression."""
    for _, column in new_columns(moment):
        for node in column.constraints:
            if field_enum(node.constraint, "contype") == "CONSTR_DEFAULT":
                yield column.colname, node.constraint.raw_expr
    for _, command in moment.commands("AT_ColumnDefault"):
        if command.HasField("def"):
            yield command.name, getattr(command, "def")


def _new_checks(moment: Moment, table: Name) -> Iterator[Constraint]:
    for _, command in moment.commands("AT_AddConstraint"):
        made = constraint_of(definition(command), table)
        if made is not None and made.kind == "check":
            yield made


def _value_in(expression: str) -> Value | None:
    try:
        return value_of(parse_tree(f"SELECT {expression}").stmts[0].stmt.select_stmt.target_list[0].res_target.val)
    except (SqlError, IndexError):
        return None
