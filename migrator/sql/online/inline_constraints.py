"""Takes the constraints written inside ADD COLUMN out of it, as the table constraints that PostgreSQL makes of them."""

from __future__ import annotations

from types import MappingProxyType

from migrator.sql.commands import definition, key_of
from migrator.sql.online.target import Target
from migrator.sql.parser import Tree, copied, field_enum

_KEYED = frozenset({"CONSTR_UNIQUE", "CONSTR_PRIMARY"})
_MOVED = _KEYED | {"CONSTR_CHECK", "CONSTR_FOREIGN"}
_ATTRIBUTES = MappingProxyType(
    {
        "CONSTR_ATTR_DEFERRABLE": {"deferrable": True},
        "CONSTR_ATTR_NOT_DEFERRABLE": {"deferrable": False},
        "CONSTR_ATTR_DEFERRED": {"deferrable": True, "initdeferred": True},
        "CONSTR_ATTR_IMMEDIATE": {"initdeferred": False},
        "CONSTR_ATTR_ENFORCED": {"is_enforced": True},
        "CONSTR_ATTR_NOT_ENFORCED": {"is_enforced": False, "skip_validation": True},
    }
)
"""Words behind a constraint, which the grammar keeps as constraints of their own, and what they mean."""


def unfolded(target: Target) -> list[Tree]:
    """Return the subcommands of an ALTER TABLE with each inline constraint as a subcommand behind its column."""
    commands: list[Tree] = []
    for node in target.tree.cmds:
        command = node.alter_table_cmd
        if key_of(command) == "AT_AddColumn":
            commands += _without_constraints(target, command)
        else:
            commands.append(command)
    return commands


def _without_constraints(target: Target, command: Tree) -> list[Tree]:
    column = definition(command)
    exists = target.table is not None and target.table.column(column.colname) is not None
    if command.missing_ok and exists:
        return [command]
    bare = copied(command)
    del definition(bare).constraints[:]
    moved: list[Tree] = []
    last: Tree | None = None
    for node in column.constraints:
        kind = field_enum(node.constraint, "contype")
        if kind in _MOVED:
            added = _table_constraint(command, node.constraint, column.colname)
            last = definition(added)
            moved.append(added)
        elif kind in _ATTRIBUTES and last is not None:
            for field, value in _ATTRIBUTES[kind].items():
                setattr(last, field, value)
        else:
            definition(bare).constraints.add().CopyFrom(node)
    return [bare, *moved]


def _table_constraint(command: Tree, constraint: Tree, column: str) -> Tree:
    added = type(command)(subtype="AT_AddConstraint", behavior=command.behavior)
    getattr(added, "def").constraint.CopyFrom(constraint)
    moved = definition(added)
    kind = field_enum(constraint, "contype")
    if kind in _KEYED:
        moved.keys.add().string.sval = column
    if kind == "CONSTR_FOREIGN":
        moved.fk_attrs.add().string.sval = column
    return added
