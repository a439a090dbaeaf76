"""The constraints that a statement makes, in new tables and old."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.moment import Moment
from migrator.sql.commands import definition
from migrator.sql.parser import Tree, field_enum, kind_of


def new_constraints(moment: Moment) -> Iterator[tuple[Tree, str | None]]:
    """Yield each new constraint, with the column that it is written at."""
    for kind, node in _parts(moment):
        if kind == "constraint":
            yield node, None
        elif kind == "column_def":
            yield from ((one.constraint, node.colname) for one in node.constraints)


def _parts(moment: Moment) -> Iterator[tuple[str, Tree]]:
    if moment.statement.kind == "create_stmt":
        yield from ((kind_of(one), getattr(one, kind_of(one))) for one in moment.tree.table_elts)
    elif moment.statement.kind == "alter_table_stmt":
        for node in moment.tree.cmds:
            kind = _ADDED.get(field_enum(node.alter_table_cmd, "subtype"))
            if kind is not None:
                yield kind, definition(node.alter_table_cmd)


_ADDED = {"AT_AddColumn": "column_def", "AT_AddConstraint": "constraint"}
