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

from collections.abc import Iterable, Iterator

from migrator.check.afterwards import schema_at_commit, schema_with
from migrator.check.assignment import overflow, refusal
from migrator.check.finding import Hazard
from migrator.check.literals import Value, value_of
from migrator.check.moment import Moment
from migrator.check.new_constraints import new_constraints
from migrator.check.rule import Example, Report
from migrator.check.schema.columns import constraint_of
from migrator.check.schema.schema import Schema
from migrator.check.value_checks import refuses
from migrator.sql.commands import definition
from migrator.sql.context import Column, Constraint
from migrator.sql.errors import SqlError
from migrator.sql.names import name_of, quote
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
    Example(sql="ALTER TABLE t ADD COLUMN yes boolean DEFAULT 0;", setup=_SETUP),
    Example(sql="ALTER TABLE t ADD COLUMN state varchar(4) DEFAULT 'pending', ADD part smallint DEFAULT 40000;"),
    Example(sql="ALTER TABLE t ADD COLUMN made timestamptz DEFAULT CURRENT_TIMESTAMP::text;", setup=_SETUP),
    Example(sql="ALTER TABLE t ADD COLUMN tags text[] DEFAULT '[]', ADD COLUMN body jsonb DEFAULT '';", setup=_SETUP),
    Example(sql="ALTER TABLE t ADD COLUMN size int DEFAULT 0 CHECK (size > 0);", setup=_SETUP),
    Example(sql="ALTER TABLE t ADD COLUMN state text DEFAULT 'new' CHECK (state IN ('open', 'closed'));", setup=_SETUP),
)
GOOD = (
    Example(sql="ALTER TABLE t ADD COLUMN IF NOT EXISTS n text DEFAULT 'none';", setup=_SETUP),
    Example(sql="ALTER TABLE t ADD COLUMN made timestamptz DEFAULT 'now()';", setup=_SETUP),
    Example(sql="ALTER TABLE t ADD CHECK (note <> '') NOT VALID, ALTER note SET DEFAULT 'none';", setup=_SETUP),
    Example(
        sql="BEGIN; ALTER TABLE t ALTER n SET DEFAULT 0; ALTER TABLE t DROP CONSTRAINT t_n_check; COMMIT;", setup=_SETUP
    ),
    Example(sql="ALTER TABLE t ADD COLUMN made timestamptz DEFAULT CURRENT_TIMESTAMP;", setup=_SETUP),
    Example(sql="ALTER TABLE t ADD COLUMN day date DEFAULT now(), ADD COLUMN made text DEFAULT now();", setup=_SETUP),
    Example(sql="ALTER TABLE t ADD COLUMN tags text[] DEFAULT '{}', ADD COLUMN body jsonb DEFAULT '[]';", setup=_SETUP),
    Example(sql="ALTER TABLE t ADD COLUMN made date NOT NULL DEFAULT '2024-01-01';", setup=_SETUP),
    Example(sql="ALTER TABLE t ADD COLUMN size int DEFAULT '-1', ADD COLUMN yes bool DEFAULT 'f';", setup=_SETUP),
    Example(sql="ALTER TABLE t ALTER COLUMN m SET DEFAULT 'bad'::mood;", setup=_SETUP),
    Example(sql="ALTER TABLE t ALTER COLUMN n SET DEFAULT 5;", setup=_SETUP),
    Example(sql="ALTER TABLE t ADD CONSTRAINT c CHECK (note <> 'x' OR n > 3) NOT VALID;", setup=_SETUP),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each default that cannot stand, or cannot beside the checks that there are at the commit."""
    if moment.conditional or moment.statement.kind not in ("create_stmt", "alter_table_stmt"):
        return
    given = dict(_defaults(moment))
    checked = {column for check in _new_checks(moment) for column in check.columns}
    if not (given or checked):
        return
    table = name_of(moment.tree.relation)
    with_it = schema_with(moment).known(table)
    added = {definition(command).colname for _, command in moment.commands("AT_AddColumn")}
    for name, default in given.items():
        column = with_it.column(name)
        if column is None:
            continue
        numbered = (table.name, name) in moment.schema.identities
        large = overflow(default, column)
        reason = _reason(default, column, moment.schema, numbered=numbered) or (large if name in added else None)
        if reason is not None:
            checked.discard(name)
            yield Report(
                f"PostgreSQL refuses it: {reason}",
                "a value of the column's type; the name of a function without quotes",
            )
        elif large is not None:
            yield Report(f"an INSERT that leaves out {quote(name)} fails from now on: {large}", "a value that fits")
        else:
            checked.add(name)
    if not any(one.kind == "check" for one in with_it.constraints):
        return
    committed = schema_at_commit(moment)
    for name in sorted(checked):
        value = _value_in(committed.default_texts.get((table.name, name), ""))
        yield from () if value is None else _refused(committed.known(table).constraints, name, value)


def _reason(default: Tree, column: Column, schema: Schema, *, numbered: bool) -> str | None:
    if column.generated or numbered:
        return f"{quote(column.name)} is generated and has no default"
    return refusal(default, column, schema)


def _refused(constraints: Iterable[Constraint], column: str, value: Value) -> Iterator[Report]:
    for check in constraints:
        if check.kind == "check" and refuses(check.expression, column, value):
            yield Report(
                f"an INSERT that leaves out {quote(column)} fails from now on: {check.name} refuses its default",
                f"first give {quote(column)} a default that CHECK ({check.expression}) takes",
            )


def _defaults(moment: Moment) -> Iterator[tuple[str, Tree]]:
    """Yield each column that gets a default, with its expression."""
    for node, column in new_constraints(moment):
        if column and field_enum(node, "contype") == "CONSTR_DEFAULT":
            yield column, node.raw_expr
    for _, command in moment.commands("AT_ColumnDefault"):
        if command.HasField("def"):
            yield command.name, getattr(command, "def")


def _new_checks(moment: Moment) -> Iterator[Constraint]:
    made = (constraint_of(node, name_of(moment.tree.relation), column) for node, column in new_constraints(moment))
    return (one for one in made if one is not None and one.kind == "check")


def _value_in(expression: str) -> Value | None:
    try:
        return value_of(parse_tree(f"SELECT {expression}").stmts[0].stmt.select_stmt.target_list[0].res_target.val)
    except (SqlError, IndexError):
        return None
