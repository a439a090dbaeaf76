"""Says whether IF EXISTS or IF NOT EXISTS makes a statement do nothing at all on the schema that is known."""

from __future__ import annotations

from migrator.check.schema.columns import type_sql
from migrator.check.schema.schema import Schema
from migrator.sql.effects import Effect
from migrator.sql.names import name_of, named
from migrator.sql.parser import Tree, kind_of, strings
from migrator.sql.statement import Statement

_RELATIONS = frozenset({"table", "view", "materialized view", "foreign table"})


def does_nothing(statement: Statement, effect: Effect, schema: Schema) -> bool:
    """Say whether what IF EXISTS asks for is not there, or what IF NOT EXISTS would make is."""
    tree = statement.tree
    if statement.kind == "index_stmt" and tree.if_not_exists and tree.idxname:
        return schema.index(name_of(tree.relation).beside(tree.idxname)) is not None
    if not schema.complete:
        return False
    if statement.kind == "alter_table_stmt":
        return bool(tree.missing_ok) and schema.table(name_of(tree.relation)) is None
    if statement.kind != "drop_stmt" or not tree.missing_ok or not effect.drops:
        return False
    return all(
        (one.kind == "index" and schema.index(one.name) is None)
        or (one.kind in _RELATIONS and schema.table(one.name) is None)
        for one in effect.drops
    ) or all(_is_no_function(schema, one) for one in tree.objects)


def _is_no_function(schema: Schema, node: Tree) -> bool:
    """Say whether there are functions of that name, and none of them with those parameters."""
    if kind_of(node) != "object_with_args" or node.object_with_args.args_unspecified:
        return False
    known = schema.functions(named(strings(node.object_with_args.objname)))
    types = tuple(type_sql(one.type_name) for one in node.object_with_args.objargs)
    return bool(known) and all(one.types != types for one in known)
