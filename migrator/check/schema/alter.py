"""Carries the subcommands of ALTER TABLE over to the schema that is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from migrator.check.schema.bounds import bounds_of
from migrator.check.schema.columns import (
    column_of,
    constraint_of,
    default_sql,
    expression_sql,
    has_value,
    type_sql,
    with_constraint,
)
from migrator.check.schema.old_rows import value_in_old_rows
from migrator.check.schema.schema import Schema
from migrator.sql.commands import definition, key_of, phase_of
from migrator.sql.context import Column, Table
from migrator.sql.names import Name, name_of
from migrator.sql.parser import Tree, field_enum


def alter(schema: Schema, tree: Tree) -> None:
    """Change the table as the subcommands of an ALTER TABLE do."""
    if field_enum(tree, "objtype") != "OBJECT_TABLE":
        return
    table = name_of(tree.relation)
    for command in sorted((one.alter_table_cmd for one in tree.cmds), key=phase_of):
        handler = _HANDLERS.get(key_of(command).partition(":")[0])
        if handler:
            handler(schema, table, command)


def add_child(schema: Schema, parent: Name, child: Name, spec: Tree) -> None:
    """Remember a partition with its bounds, or a table that inherits."""
    known, default = schema.known(parent), spec.is_default
    bounds = bounds_of(spec)
    if bounds is not None:
        schema.bounds[child] = bounds
    schema.put(
        replace(
            known, children=(*known.children, child), default_partition=child if default else known.default_partition
        )
    )
    schema.put(replace(schema.known(child), parents=(parent,)))


def _add_column(schema: Schema, table: Name, command: Tree) -> None:
    column = definition(command)
    known = schema.known(table)
    if command.missing_ok and known.column(column.colname):
        return
    known = replace(known, columns=(*known.columns, column_of(column)))
    for node in column.constraints:
        if constraint := constraint_of(node.constraint, known.name, column.colname):
            known = with_constraint(known, constraint)
    schema.put(known)
    schema.added.add((table.name, column.colname))
    rows = value_in_old_rows(column)
    if rows is not None and not (known.new or known.empty or command.missing_ok):
        schema.old_rows[table.name, column.colname] = rows
    note_values(schema, table, column)


def note_values(schema: Schema, table: Name, column: Tree) -> None:
    """Remember what a new column gets by itself: a default, or a number."""
    key = (table.name, column.colname)
    if has_value(column):
        schema.defaults.add(key)
    if (text := default_sql(column)) is not None:
        schema.default_texts[key] = text
    for node in column.constraints:
        if field_enum(node.constraint, "contype") == "CONSTR_IDENTITY":
            schema.identities[key] = node.constraint.generated_when == "a"


def _drop_column(schema: Schema, table: Name, command: Tree) -> None:
    known = schema.known(table)
    schema.put(
        replace(
            known,
            columns=tuple(one for one in known.columns if one.name != command.name),
            constraints=tuple(one for one in known.constraints if command.name not in one.columns),
            indexes=tuple(one for one in known.indexes if command.name not in one.columns),
        )
    )
    schema.added.discard((table.name, command.name))
    schema.old_rows.pop((table.name, command.name), None)
    schema.defaults.discard((table.name, command.name))
    schema.default_texts.pop((table.name, command.name), None)
    schema.identities.pop((table.name, command.name), None)


def _altered(schema: Schema, table: Name, name: str) -> Column:
    return schema.known(table).column(name) or Column(name, "")


def _set_not_null(schema: Schema, table: Name, command: Tree) -> None:
    schema.put_column(table, replace(_altered(schema, table, command.name), not_null=True))


def _drop_not_null(schema: Schema, table: Name, command: Tree) -> None:
    schema.put_column(table, replace(_altered(schema, table, command.name), not_null=False))


def _type(schema: Schema, table: Name, command: Tree) -> None:
    schema.old_rows.pop((table.name, command.name), None)
    text = type_sql(definition(command).type_name)
    schema.put_column(table, replace(_altered(schema, table, command.name), type=text))


def _default(schema: Schema, table: Name, command: Tree) -> None:
    if command.HasField("def"):
        schema.defaults.add((table.name, command.name))
        schema.default_texts[table.name, command.name] = expression_sql(getattr(command, "def"))
    else:
        schema.defaults.discard((table.name, command.name))
        schema.default_texts.pop((table.name, command.name), None)


def _add_identity(schema: Schema, table: Name, command: Tree) -> None:
    schema.defaults.add((table.name, command.name))
    schema.identities[table.name, command.name] = definition(command).generated_when == "a"


def _set_identity(schema: Schema, table: Name, command: Tree) -> None:
    for node in definition(command).items:
        if node.def_elem.defname == "generated":
            schema.identities[table.name, command.name] = chr(node.def_elem.arg.integer.ival) == "a"


def _drop_identity(schema: Schema, table: Name, command: Tree) -> None:
    schema.defaults.discard((table.name, command.name))
    schema.identities.pop((table.name, command.name), None)


def _add_constraint(schema: Schema, table: Name, command: Tree) -> None:
    node = definition(command)
    constraint = constraint_of(node, table)
    known = schema.known(table)
    if constraint is None:
        return
    if node.indexname and (index := schema.index(table.beside(node.indexname))):
        known = replace(known, indexes=tuple(one for one in known.indexes if one is not index))
        constraint = replace(constraint, columns=index.columns)
    schema.put(with_constraint(known, constraint))
    if constraint.references is not None:
        target = schema.known(constraint.references)
        schema.put(replace(target, referenced_by=(*target.referenced_by, known.name)))


def _validate(schema: Schema, table: Name, command: Tree) -> None:
    known = schema.table(table)
    constraint = known.constraint(command.name) if known else None
    if known is not None and constraint is not None:
        schema.put(with_constraint(known, replace(constraint, validated=True)))


def _drop_constraint(schema: Schema, table: Name, command: Tree) -> None:
    known = schema.known(table)
    schema.put(
        replace(
            known,
            constraints=tuple(one for one in known.constraints if one.name != command.name),
            indexes=tuple(one for one in known.indexes if one.constraint != command.name),
        )
    )


def _attach(schema: Schema, table: Name, command: Tree) -> None:
    change = definition(command)
    add_child(schema, table, name_of(change.name), change.bound)


def _detach(schema: Schema, table: Name, command: Tree) -> None:
    child = name_of(definition(command).name)
    known: Table = schema.known(table)
    default = known.default_partition
    schema.put(
        replace(
            known,
            children=tuple(one for one in known.children if not one.same(child)),
            default_partition=None if default is not None and default.same(child) else default,
        )
    )


def _replica_identity(schema: Schema, table: Name, command: Tree) -> None:
    del command
    schema.identified.add(table.name)


def _persistence(schema: Schema, table: Name, command: Tree) -> None:
    unlogged = field_enum(command, "subtype") == "AT_SetUnLogged"
    schema.put(replace(schema.known(table), unlogged=unlogged))


_HANDLERS: dict[str, Callable[[Schema, Name, Tree], None]] = {
    "AT_AddColumn": _add_column,
    "AT_DropColumn": _drop_column,
    "AT_SetNotNull": _set_not_null,
    "AT_DropNotNull": _drop_not_null,
    "AT_AlterColumnType": _type,
    "AT_ColumnDefault": _default,
    "AT_AddIdentity": _add_identity,
    "AT_SetIdentity": _set_identity,
    "AT_DropIdentity": _drop_identity,
    "AT_AddConstraint": _add_constraint,
    "AT_ValidateConstraint": _validate,
    "AT_DropConstraint": _drop_constraint,
    "AT_AttachPartition": _attach,
    "AT_DetachPartition": _detach,
    "AT_ReplicaIdentity": _replica_identity,
    "AT_SetLogged": _persistence,
    "AT_SetUnLogged": _persistence,
}
