"""The columns that a statement makes, in new tables and old; for the rules about how columns are best written."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.moment import Moment
from migrator.sql.commands import definition
from migrator.sql.names import Name, name_of
from migrator.sql.parser import Tree, field_enum, kind_of


def new_columns(moment: Moment) -> Iterator[tuple[Name, Tree]]:
    """Yield each new column's table and definition."""
    if moment.statement.kind == "create_stmt":
        table = name_of(moment.tree.relation)
        yield from ((table, one.column_def) for one in moment.tree.table_elts if kind_of(one) == "column_def")
    elif moment.statement.kind == "alter_table_stmt":
        table = name_of(moment.tree.relation)
        for command in (one.alter_table_cmd for one in moment.tree.cmds):
            if field_enum(command, "subtype") == "AT_AddColumn" and not moment.has_already(table, command):
                yield table, definition(command)
