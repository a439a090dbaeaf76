"""The rows that are there do not fulfil the constraint.

What it does
------------
Reports, for a column that the same script added to a table with rows, and that nothing has filled since:

- `SET NOT NULL`, a primary key, and `CHECK (... IS NOT NULL)`, where all rows have NULL in it;
- a unique constraint or unique index over it alone, or with others like it, where its default gave all rows one value.

Why it is bad
-------------
The statement fails as soon as there is a row, or two. On an empty test database it does not.

What to do instead
------------------
Fill the column in chunks before the constraint, each row with its own value where it has to be unique.

When it does not apply
----------------------
Columns that an UPDATE, a function, a block or a loop may have filled in between; tables that the same script created.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.afterwards import schema_with
from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.new_constraints import new_constraints
from migrator.check.rule import Example, Report
from migrator.check.schema.columns import constraint_of
from migrator.check.schema.old_rows import OldRows
from migrator.check.schema.schema import Schema
from migrator.sql.checks import conditions_of, not_null
from migrator.sql.context import Constraint
from migrator.sql.names import Name, name_of, quote
from migrator.sql.parser import Tree

HAZARD = Hazard.FAILS
_ADD = "ALTER TABLE t ADD COLUMN code text"
BAD = (
    Example(sql=f"{_ADD}; ALTER TABLE t ALTER COLUMN code SET NOT NULL;"),
    Example(sql=f"{_ADD} DEFAULT NULL; ALTER TABLE t ADD CONSTRAINT c CHECK (code IS NOT NULL AND code <> '');"),
    Example(
        sql=f"{_ADD}; ALTER TABLE t ADD CONSTRAINT c CHECK (code IS NOT NULL) NOT VALID; "
        "ALTER TABLE t VALIDATE CONSTRAINT c;"
    ),
    Example(sql=f"{_ADD}; ALTER TABLE t ADD PRIMARY KEY (id, code);"),
    Example(sql=f"{_ADD} NOT NULL DEFAULT ''; ALTER TABLE t ADD CONSTRAINT u UNIQUE (code);"),
    Example(sql=f"{_ADD} NOT NULL DEFAULT '' UNIQUE;"),
    Example(sql=f"{_ADD}; CREATE UNIQUE INDEX CONCURRENTLY u ON t (code) NULLS NOT DISTINCT;", pg_version=15),
    Example(
        sql=f"{_ADD} DEFAULT 'x'::text, ADD at timestamptz DEFAULT now(); "
        "CREATE UNIQUE INDEX CONCURRENTLY u ON t (code, at);"
    ),
)
GOOD = (
    Example(sql=f"{_ADD}; CREATE UNIQUE INDEX CONCURRENTLY u ON t (code, id) NULLS NOT DISTINCT;", pg_version=15),
    Example(sql=f"{_ADD}; UPDATE t SET code = id WHERE id < 9; ALTER TABLE t ALTER COLUMN code SET NOT NULL;"),
    Example(sql=f"{_ADD}; SELECT fill_codes(); ALTER TABLE t ALTER COLUMN code SET NOT NULL;"),
    Example(sql=f"{_ADD} DEFAULT ''; ALTER TABLE t ALTER COLUMN code SET NOT NULL;"),
    Example(sql=f"{_ADD}; ALTER TABLE t ADD CONSTRAINT c CHECK (code IS NOT NULL) NOT VALID;"),
    Example(sql=f"{_ADD}; CREATE UNIQUE INDEX CONCURRENTLY u ON t (code);"),
    Example(sql=f"{_ADD} DEFAULT ''; CREATE UNIQUE INDEX CONCURRENTLY u ON t (id, code);"),
    Example(sql=f"{_ADD} DEFAULT ''; CREATE UNIQUE INDEX CONCURRENTLY u ON t (code) WHERE code <> '';"),
    Example(sql=f"{_ADD} DEFAULT gen_random_uuid(); CREATE UNIQUE INDEX CONCURRENTLY u ON t (code);"),
    Example(sql="CREATE TABLE n (id int); ALTER TABLE n ADD code text; ALTER TABLE n ALTER COLUMN code SET NOT NULL;"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each demand that the rows do not meet."""
    if moment.conditional or moment.statement.kind not in ("alter_table_stmt", "index_stmt"):
        return
    if not moment.schema.old_rows and not any(moment.commands("AT_AddColumn")):
        return
    schema, table = schema_with(moment), name_of(moment.tree.relation)
    rows = {column: known for (name, column), known in schema.old_rows.items() if name == table.name}
    null = {column for column, known in rows.items() if known is OldRows.NULL}
    for column in _not_null(moment, schema, table):
        if column in null:
            yield Report(
                f"PostgreSQL refuses it: all rows of {table} have NULL in {quote(column)}, and nothing fills it before",
                f"first backfill {table} in chunks where {quote(column)} IS NULL",
            )
    for columns, nulls_alike in _unique(moment, table):
        if columns and all(rows.get(column) in (OldRows.ALIKE, nulls_alike) for column in columns):
            names = ", ".join(map(quote, columns))
            yield Report(
                f"PostgreSQL refuses it: all rows of {table} have the same {names}, as they came with the column",
                f"first give each row of {table} its own {names}, in chunks",
            )


def _not_null(moment: Moment, schema: Schema, table: Name) -> Iterator[str]:
    """Yield the columns in which no row may have NULL once the statement has run."""
    for _, command in moment.commands("AT_SetNotNull"):
        yield command.name
    for _, made in _made(moment, table):
        yield from made.columns if made.kind == "primary key" else _required(made)
    for _, command in moment.commands("AT_ValidateConstraint"):
        known = schema.known(table).constraint(command.name)
        yield from _required(known) if known else ()


def _required(constraint: Constraint) -> Iterator[str]:
    if constraint.kind == "check" and constraint.validated:
        said = conditions_of(constraint.expression)
        yield from (column for column in constraint.columns if not_null(column) in said)


def _unique(moment: Moment, table: Name) -> Iterator[tuple[tuple[str, ...], OldRows]]:
    """Yield the columns that have to be unique, with what besides one value no two rows may have: NULL, or nothing."""
    tree = moment.tree
    if moment.statement.kind == "index_stmt":
        if tree.unique and not tree.HasField("where_clause"):
            yield tuple(one.index_elem.name for one in tree.index_params), _alike(tree)
        return
    for node, made in _made(moment, table):
        if made.kind in ("unique", "primary key"):
            yield made.columns, _alike(node)


def _alike(node: Tree) -> OldRows:
    return OldRows.NULL if node.nulls_not_distinct else OldRows.ALIKE


def _made(moment: Moment, table: Name) -> Iterator[tuple[Tree, Constraint]]:
    """Yield each new constraint, but those that take over an index."""
    for node, column in new_constraints(moment):
        made = None if node.indexname else constraint_of(node, table, column)
        if made is not None:
            yield node, made
