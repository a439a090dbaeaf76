"""The constraints that a statement makes, in new tables and old."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.moment import Moment
from migrator.check.new_columns import new_columns
from migrator.sql.commands import definition
from migrator.sql.parser import Tree, field_enum, kind_of


def new_constraints(moment: Moment) -> Iterator[tuple[Tree, str | None]]:
    """Yield each new constraint, with the column that it is written at."""
    for _, column in new_columns(moment):
        yield from ((one.constraint, column.colname) for one in column.constraints)
    if moment.statement.kind == "create_stmt":
        yield from ((one.constraint, None) for one in moment.tree.table_elts if kind_of(one) == "constraint")
    elif moment.statement.kind == "alter_table_stmt":
        commands = (one.alter_table_cmd for one in moment.tree.cmds)
        yield from ((definition(one), None) for one in commands if field_enum(one, "subtype") == "AT_AddConstraint")
