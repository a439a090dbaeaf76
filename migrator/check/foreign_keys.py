"""The foreign keys that a statement makes, and the schema as it is with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrator.check.moment import Moment
from migrator.check.schema.changes import apply
from migrator.check.schema.schema import Schema
from migrator.sql.names import Name, name_of
from migrator.sql.parser import Tree, field_enum, kind_of, strings


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """One foreign key. `targets` is empty where the primary key is meant."""

    table: Name
    columns: tuple[str, ...]
    references: Name
    targets: tuple[str, ...]


def foreign_keys(moment: Moment) -> Iterator[ForeignKey]:
    """Yield the foreign keys that the statement makes."""
    if moment.statement.kind == "create_stmt":
        nodes = list(moment.tree.table_elts)
    elif moment.statement.kind == "alter_table_stmt":
        nodes = [
            getattr(one.alter_table_cmd, "def")
            for one in moment.tree.cmds
            if field_enum(one.alter_table_cmd, "subtype") in ("AT_AddColumn", "AT_AddConstraint")
        ]
    else:
        return
    table = name_of(moment.tree.relation)
    for node in nodes:
        if kind_of(node) == "column_def":
            for one in node.column_def.constraints:
                yield from _foreign_key(table, one.constraint, (node.column_def.colname,))
        elif kind_of(node) == "constraint":
            yield from _foreign_key(table, node.constraint, strings(node.constraint.fk_attrs))


def _foreign_key(table: Name, node: Tree, columns: tuple[str, ...]) -> Iterator[ForeignKey]:
    if field_enum(node, "contype") == "CONSTR_FOREIGN":
        yield ForeignKey(table, columns, name_of(node.pktable), strings(node.pk_attrs))


def schema_with(moment: Moment) -> Schema:
    """Return the schema after the statement."""
    after = moment.schema.copied()
    apply(after, moment.statement, moment.effect)
    return after
