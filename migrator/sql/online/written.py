"""A statement as its author wrote it, as the part that it is: concurrent already, or plain because he said so."""

from __future__ import annotations

from migrator.sql.context import Context
from migrator.sql.effects import Effect
from migrator.sql.names import name_of, named
from migrator.sql.online.form import Leftover, LeftoverKind, Part, PartKind
from migrator.sql.parser import field_enum, strings
from migrator.sql.statement import Statement


def as_written(statement: Statement, effect: Effect, context: Context) -> Part:
    """Return the statement as one part outside a transaction, knowing what it leaves behind when interrupted."""
    return Part((statement.text,), PartKind.CONCURRENT, effect, _leftover(statement, context))


def as_chosen(statement: Statement, effect: Effect) -> Part:
    """Return the statement as one part in a transaction of its own, although it has an online form or is refused."""
    return Part((statement.text,), PartKind.PLAIN, effect)


def _leftover(statement: Statement, context: Context) -> Leftover | None:
    tree = statement.tree
    if statement.kind == "index_stmt" and tree.idxname:
        table = name_of(tree.relation)
        known = context.table(table)
        return Leftover(LeftoverKind.INVALID_INDEX, (known.name if known else table).beside(tree.idxname))
    if statement.kind == "drop_stmt" and field_enum(tree, "remove_type") == "OBJECT_INDEX":
        parts = strings(tree.objects[0].list.items)
        return Leftover(LeftoverKind.HALF_DROPPED_INDEX, named(parts))
    return None
