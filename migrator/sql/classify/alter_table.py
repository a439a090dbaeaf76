"""What ALTER TABLE (INDEX, VIEW, SEQUENCE, ...) does: each subcommand's lock, and the relations around the table."""

from __future__ import annotations

from collections.abc import Callable

from migrator.sql.classify.columns import add_column, change_type, set_expression, set_not_null
from migrator.sql.classify.constraints import add_constraint, alter_constraint, drop_constraint, validate_constraint
from migrator.sql.classify.draft import Draft, Handler
from migrator.sql.classify.partitions import attach, detach, finalize
from migrator.sql.commands import definition, key_of, row_of
from migrator.sql.effects import Object, WorkKind
from migrator.sql.lock_table import INHERITANCE_PARENT, NOT_INHERITED, Subcommand
from migrator.sql.locks import LockMode
from migrator.sql.names import Name, name_of
from migrator.sql.parser import Tree, field_enum

_OBJECTS = {"OBJECT_MATVIEW": "MATERIALIZED VIEW", "OBJECT_FOREIGN_TABLE": "FOREIGN TABLE"}


def _alter(tree: Tree, draft: Draft) -> None:
    relation = name_of(tree.relation)
    what = field_enum(tree, "objtype")
    words = _OBJECTS.get(what, what.removeprefix("OBJECT_"))
    subcommands: list[str] = []
    draft.gone = frozenset(
        node.alter_table_cmd.name for node in tree.cmds if key_of(node.alter_table_cmd) == "AT_DropConstraint"
    )
    for node in tree.cmds:
        command = node.alter_table_cmd
        row = row_of(command)
        if row is None:
            draft.opaque(f"unknown subcommand {key_of(command)}")
            continue
        subcommands.append(row.words)
        _lock(command, row, tree, draft)
        if what == "OBJECT_INDEX":
            _index(command, relation, draft)
        else:
            _command(command, relation, draft)
    draft.kind = f"ALTER {words} … {', '.join(dict.fromkeys(subcommands))}"


def _lock(command: Tree, row: Subcommand, tree: Tree, draft: Draft) -> None:
    relation = name_of(tree.relation)
    if tree.relation.inh and key_of(command) not in NOT_INHERITED:
        draft.lock_tree(relation, row.mode)
    else:
        draft.lock(relation, row.mode)
    if field_enum(tree, "objtype") == "OBJECT_TYPE" and field_enum(command, "behavior") == "DROP_CASCADE":
        draft.lock(None, row.mode, f"tables of type {relation}")


def _index(command: Tree, index: Name, draft: Draft) -> None:
    """Record what ALTER INDEX does beyond the lock on the index itself."""
    known = draft.context.index(index)
    if key_of(command) == "AT_SetTableSpace":
        table = known.table if known else None
        draft.add_work(WorkKind.REWRITE, table, "set-tablespace", f"index {index} is copied")
    if key_of(command) == "AT_AttachPartition":
        draft.lock(name_of(definition(command).name), LockMode.ACCESS_EXCLUSIVE, "attached index")


def _command(command: Tree, table: Name, draft: Draft) -> None:
    handler = _COMMANDS.get(key_of(command).partition(":")[0])
    if handler:
        handler(command, table, draft)


def _drop_column(command: Tree, table: Name, draft: Draft) -> None:
    draft.drops.append(Object("column", table, command.name))
    known = draft.context.table(table)
    if known is None:
        draft.lock(None, LockMode.ACCESS_EXCLUSIVE, f"the table that a foreign key on {command.name} points to")
        return
    for constraint in known.constraints:
        if command.name in constraint.columns and constraint.references is not None:
            draft.lock(constraint.references, LockMode.ACCESS_EXCLUSIVE, f"foreign key {constraint.name} points to it")
    if field_enum(command, "behavior") == "DROP_CASCADE":
        draft.lock(None, LockMode.ACCESS_EXCLUSIVE, f"whatever depends on {table}.{command.name}")


def _add_inherit(command: Tree, table: Name, draft: Draft) -> None:
    del table
    draft.lock(name_of(definition(command)), INHERITANCE_PARENT, "inherited from")


_COPIES = {
    "AT_SetLogged": ("set-logged", "SET LOGGED writes the table anew"),
    "AT_SetUnLogged": ("set-unlogged", "SET UNLOGGED writes the table anew"),
    "AT_SetTableSpace": ("set-tablespace", "the table's files are copied to the other tablespace"),
    "AT_SetAccessMethod": ("set-access-method", "the table is written anew by the other access method"),
}


def _copy(command: Tree, table: Name, draft: Draft) -> None:
    rule, why = _COPIES[key_of(command)]
    known = draft.context.table(table)
    as_it_is = {"set-logged": False, "set-unlogged": True}.get(rule)
    if known is not None and as_it_is is not None and known.unlogged is as_it_is:
        return
    draft.add_work(WorkKind.REWRITE, table, rule, why)


_COMMANDS: dict[str, Callable[[Tree, Name, Draft], None]] = {
    "AT_AddColumn": add_column,
    "AT_AlterColumnType": change_type,
    "AT_SetNotNull": set_not_null,
    "AT_SetExpression": set_expression,
    "AT_AddConstraint": add_constraint,
    "AT_AlterConstraint": alter_constraint,
    "AT_ValidateConstraint": validate_constraint,
    "AT_DropConstraint": drop_constraint,
    "AT_DropColumn": _drop_column,
    "AT_AttachPartition": attach,
    "AT_DetachPartition": detach,
    "AT_DetachPartitionFinalize": finalize,
    "AT_AddInherit": _add_inherit,
    **dict.fromkeys(_COPIES, _copy),
}

HANDLERS: dict[str, Handler] = {"alter_table_stmt": _alter}
