"""Carries statements over to the schema that is known: what each creates, alters, renames, drops, empties."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from migrator.check.schema.alter import add_child, alter, note_values
from migrator.check.schema.columns import column_of, columns_in, constraint_of, with_constraint
from migrator.check.schema.renames import RENAMES
from migrator.check.schema.schema import Schema, Trigger, ViewColumns
from migrator.check.schema.types import TYPES_AND_FUNCTIONS
from migrator.sql.classify.indexes import is_plain
from migrator.sql.classify.queries import relations_in
from migrator.sql.context import Column, Index, RelationKind, Table
from migrator.sql.effects import Effect, Object
from migrator.sql.names import Name, name_of, named
from migrator.sql.parser import Tree, deparse, field_enum, find, kind_of, strings, walk
from migrator.sql.statement import Statement


def apply(schema: Schema, statement: Statement, effect: Effect) -> None:
    """Change the schema as the statement does. Whoever runs code that cannot be looked into may have made anything."""
    if effect.locks_unknown and not effect.drops:
        schema.doubt()
    handler = _HANDLERS.get(statement.kind)
    if handler:
        handler(schema, statement.tree)
    _forget(schema, effect)
    _forget_old_rows(schema, statement, effect)
    for setting in effect.changes_settings:
        if setting.name == "timezone":
            schema.session_timezone = setting.value
    for change in effect.data_changes:
        known = schema.table(change.table)
        if change.verb == "TRUNCATE" or (change.verb == "DELETE" and change.whole):
            schema.put(replace(schema.known(change.table), empty=True))
        elif known is not None and change.verb in ("INSERT", "COPY", "MERGE"):
            few = known.few and change.verb == "INSERT"
            if (known.empty, known.few) != (False, few):
                schema.put(replace(known, empty=False, few=few))


def _forget_old_rows(schema: Schema, statement: Statement, effect: Effect) -> None:
    """Forget what old rows have in new columns where something may have written to them."""
    if statement.kind in _MAY_WRITE or effect.renames:
        schema.old_rows.clear()
    written = {change.table.name for change in effect.data_changes}
    schema.old_rows = {key: rows for key, rows in schema.old_rows.items() if key[0] not in written}


_MAY_WRITE = ("select_stmt", "do_stmt", "call_stmt", "execute_stmt")
"""Who reads in a revision may write what is not seen, row by row; functions and blocks do as they like."""


def _forget(schema: Schema, effect: Effect) -> None:
    """Remove what is known of functions, types, sequences and schemas under the names that they no longer have."""
    for rename in effect.renames:
        if rename.what.kind in _ROUTINES and rename.name:
            schema.signatures[rename.what.name.beside(rename.name)] = schema.functions(rename.what.name)
        labels = next((labels for name, labels in schema.enums.items() if name.same(rename.what.name)), None)
        if rename.what.kind == "trigger":
            schema.triggers.pop((rename.what.name.name, rename.what.member or ""), None)
        if _is_type(rename.what) and rename.name and labels is not None:
            schema.enums[rename.what.name.beside(rename.name)] = labels
    for gone in (*effect.drops, *(rename.what for rename in effect.renames)):
        if gone.kind in _ROUTINES:
            schema.signatures = {name: known for name, known in schema.signatures.items() if not name.same(gone.name)}
        schema.standing = {(kind, one) for kind, one in schema.standing if not one.same(gone.name)}
        schema.enums = {
            name: labels for name, labels in schema.enums.items() if not (_is_type(gone) and name.same(gone.name))
        }


_ROUTINES = ("function", "routine")


def _is_type(one: Object) -> bool:
    return one.kind in ("type", "domain") and not one.member


def _create_table(schema: Schema, tree: Tree) -> None:
    name = _made_name(tree.relation)
    if tree.if_not_exists and schema.table(name) is not None:
        return
    table = Table(name, new=True, few=True, unlogged=tree.relation.relpersistence == "u")
    if tree.HasField("partspec"):
        key = tuple(one.name for one in find(tree.partspec, "PartitionElem"))
        table = replace(table, kind=RelationKind.PARTITIONED, partition_key=key)
    for node in tree.table_elts:
        if kind_of(node) == "column_def":
            table = _with_column(schema, table, node.column_def)
        elif kind_of(node) == "table_like_clause":
            like = schema.known(name_of(node.table_like_clause.relation)).columns
            table = replace(
                table, columns=(*table.columns, *(Column(one.name, one.type, one.not_null) for one in like))
            )
    for node in tree.table_elts:
        if kind_of(node) == "constraint" and (constraint := constraint_of(node.constraint, name)):
            table = with_constraint(table, constraint)
    schema.put(table)
    if not tree.inh_relations and all(kind_of(node) in ("column_def", "constraint") for node in tree.table_elts):
        schema.told.add(name.name)
    for parent in tree.inh_relations:
        add_child(schema, name_of(parent.range_var), name, tree.partbound)


def _made_name(relation: Tree) -> Name:
    """Return the name of a relation that is made: a temporary one hides others, and is in a schema of its own."""
    temporary = relation.relpersistence == "t"
    return Name(relation.relname, "pg_temp") if temporary else name_of(relation)


def _with_column(schema: Schema, table: Table, definition: Tree) -> Table:
    table = replace(table, columns=(*table.columns, column_of(definition)))
    note_values(schema, table.name, definition)
    for node in definition.constraints:
        if constraint := constraint_of(node.constraint, table.name, definition.colname):
            table = with_constraint(table, constraint)
    return table


def _create_as(schema: Schema, tree: Tree) -> None:
    matview = field_enum(tree, "objtype") == "OBJECT_MATVIEW"
    name = _made_name(tree.into.rel)
    kind = RelationKind.MATVIEW if matview else RelationKind.TABLE
    schema.put(Table(name, kind, new=True, empty=matview and tree.into.skip_data))
    if matview:
        _remember_view(schema, name, tree.query)


def _refresh(schema: Schema, tree: Tree) -> None:
    view = schema.table(name_of(tree.relation))
    if view is not None:
        schema.put(replace(view, empty=tree.skip_data))


def _insert(schema: Schema, tree: Tree) -> None:
    table = schema.table(name_of(tree.relation))
    if table is not None and table.few and not tree.select_stmt.select_stmt.values_lists:
        schema.put(replace(table, few=False))


def _select(schema: Schema, tree: Tree) -> None:
    if tree.HasField("into_clause"):
        schema.put(Table(_made_name(tree.into_clause.rel), new=True))


def _view(schema: Schema, tree: Tree) -> None:
    name = name_of(tree.view)
    before = schema.table(name)
    schema.put(Table(name, RelationKind.VIEW, new=before.new if before else not tree.replace))
    _remember_view(schema, name, tree.query)


def _remember_view(schema: Schema, name: Name, query: Tree) -> None:
    columns = {strings(one.fields)[-1] for one in find(query, "ColumnRef") if strings(one.fields)}
    star = {"*"} if any(one.DESCRIPTOR.name == "A_Star" for one in walk(query)) else set()
    schema.views[name] = ViewColumns(relations_in(query), frozenset(columns | star), output_of(schema, query))


def output_of(schema: Schema, query: Tree) -> tuple[str, ...] | None:
    """Return the names of the columns that a query gives; None where they are not known."""
    select = query.select_stmt
    names: list[str] = []
    for node in select.target_list:
        target = node.res_target
        fields = target.val.column_ref.fields if kind_of(target.val) == "column_ref" else ()
        if any(kind_of(one) == "a_star" for one in fields):
            known = schema.table(name_of(select.from_clause[0].range_var)) if _reads_one_table(select) else None
            if known is None or not known.columns:
                return None
            names += [one.name for one in known.columns]
        elif target.name or fields:
            names.append(target.name or strings(fields)[-1])
        else:
            return None
    return tuple(names) or None


def _reads_one_table(select: Tree) -> bool:
    return len(select.from_clause) == 1 and kind_of(select.from_clause[0]) == "range_var"


def _index(schema: Schema, tree: Tree) -> None:
    table = name_of(tree.relation)
    elements = [one.index_elem for one in tree.index_params]
    columns = tuple(one.name for one in elements if one.name)
    name = tree.idxname or "_".join((table.name, *columns, "idx"))
    if tree.if_not_exists and schema.index(table.beside(name)):
        return
    schema.put_index(
        table,
        Index(
            table.beside(name),
            table,
            columns,
            unique=tree.unique,
            partial=tree.HasField("where_clause"),
            expressions=any(not one.name for one in elements),
            partitioned=schema.known(table).kind is RelationKind.PARTITIONED,
            plain=is_plain(tree),
            computed=tuple(strings(one.fields)[-1] for one in find(tree, "ColumnRef") if strings(one.fields)),
        ),
    )


def _drop(schema: Schema, tree: Tree) -> None:
    kind = field_enum(tree, "remove_type")
    for node in tree.objects:
        parts = strings(node.list.items) if kind_of(node) == "list" else ()
        name = named(parts) if parts else None
        if name is None:
            continue
        if kind == "OBJECT_INDEX":
            _drop_index(schema, name)
        elif kind == "OBJECT_TRIGGER" and len(parts) > 1:
            schema.triggers.pop((parts[-2], parts[-1]), None)
            schema.readers.pop((parts[-2], f"trigger {parts[-1]}"), None)
        elif kind == "OBJECT_POLICY" and len(parts) > 1:
            schema.policies.pop((parts[-2], parts[-1]), None)
            schema.readers.pop((parts[-2], f"policy {parts[-1]}"), None)
        elif kind in ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE"):
            schema.forget(name)


def _drop_index(schema: Schema, name: Name) -> None:
    index = schema.index(name)
    schema.dropped_indexes.append((name, index))
    if index is not None:
        known = schema.known(index.table)
        schema.put(replace(known, indexes=tuple(one for one in known.indexes if one is not index)))


def _foreign_table(schema: Schema, tree: Tree) -> None:
    _create_table(schema, tree.base_stmt)
    schema.put(replace(schema.known(name_of(tree.base_stmt.relation)), kind=RelationKind.FOREIGN))


def _schema(schema: Schema, tree: Tree) -> None:
    schema.new_objects.add(Name(tree.schemaname))
    schema.standing.add(("schema", Name(tree.schemaname)))


def _trigger(schema: Schema, tree: Tree) -> None:
    key = (tree.relation.relname, tree.trigname)
    before = schema.triggers.get(key)
    schema.triggers[key] = Trigger(named(strings(tree.funcname)), new=before is None or before.new)
    schema.readers[key[0], f"trigger {key[1]}"] = frozenset((*strings(tree.columns), *columns_in(tree.when_clause)))


def _policy(schema: Schema, tree: Tree) -> None:
    schema.policies[tree.table.relname, tree.policy_name] = tree.cmd_name
    named = (*columns_in(tree.qual), *columns_in(tree.with_check))
    schema.readers[tree.table.relname, f"policy {tree.policy_name}"] = frozenset(named)


def _prepare(schema: Schema, tree: Tree) -> None:
    schema.prepared[tree.name] = deparse(tree.query)


def _sequence(schema: Schema, tree: Tree) -> None:
    schema.new_objects.add(name_of(tree.sequence))
    schema.standing.add(("sequence", name_of(tree.sequence)))


_HANDLERS: dict[str, Callable[[Schema, Tree], None]] = {
    **TYPES_AND_FUNCTIONS,
    **RENAMES,
    "create_stmt": _create_table,
    "create_foreign_table_stmt": _foreign_table,
    "create_table_as_stmt": _create_as,
    "create_schema_stmt": _schema,
    "create_seq_stmt": _sequence,
    "select_stmt": _select,
    "insert_stmt": _insert,
    "refresh_mat_view_stmt": _refresh,
    "view_stmt": _view,
    "index_stmt": _index,
    "drop_stmt": _drop,
    "alter_table_stmt": alter,
    "create_trig_stmt": _trigger,
    "create_policy_stmt": _policy,
    "prepare_stmt": _prepare,
}
