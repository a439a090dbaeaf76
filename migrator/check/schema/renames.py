"""Carries new names and new schemas over to the schema that is known, wherever the old one was written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from migrator.check.schema.schema import Schema
from migrator.sql.context import Constraint, Index, Table
from migrator.sql.names import Name, name_of
from migrator.sql.parser import Tree, field_enum


def _rename(schema: Schema, tree: Tree) -> None:
    kind = field_enum(tree, "rename_type")
    if not tree.HasField("relation"):
        return
    relation = name_of(tree.relation)
    known = schema.table(relation)
    if kind in ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW") and known is not None:
        _move(schema, known, known.name.beside(tree.newname))
    elif kind == "OBJECT_COLUMN" and known is not None:
        _rename_column(schema, known, tree.subname, tree.newname)
    elif kind == "OBJECT_TABCONSTRAINT" and known is not None:
        constraints = tuple(
            replace(one, name=tree.newname) if one.name == tree.subname else one for one in known.constraints
        )
        indexes = tuple(
            replace(one, name=one.name.beside(tree.newname), constraint=tree.newname)
            if one.constraint == tree.subname
            else one
            for one in known.indexes
        )
        schema.put(replace(known, constraints=constraints, indexes=indexes))
    elif kind == "OBJECT_INDEX" and (index := schema.index(relation)):
        table = schema.known(index.table)
        renamed = replace(index, name=index.name.beside(tree.newname))
        schema.put(replace(table, indexes=tuple(renamed if one is index else one for one in table.indexes)))


def _move(schema: Schema, known: Table, name: Name) -> None:
    """Give a relation its new name, also in the foreign keys that point to it."""
    old, whole = known.name, known.name.name in schema.told
    readers, triggers, policies = schema.readers, schema.triggers, schema.policies
    schema.forget(old)
    schema.readers = {_moved(key, old, name): read for key, read in readers.items()}
    schema.triggers = {_moved(key, old, name): one for key, one in triggers.items()}
    schema.policies = {_moved(key, old, name): command for key, command in policies.items()}
    indexes = tuple(replace(one, table=name, name=Name(one.name.name, name.schema)) for one in known.indexes)
    schema.put(replace(known, name=name, indexes=indexes))
    if whole:
        schema.told.add(name.name)
    if name.name != old.name:
        _rekey(schema, lambda key: _moved(key, old, name))
    _in_keys_to(schema, old, lambda one: replace(one, references=name))


def _moved(key: tuple[str, str], old: Name, new: Name) -> tuple[str, str]:
    return (new.name, key[1]) if key[0] == old.name else key


def _rename_column(schema: Schema, known: Table, old: str, new: str) -> None:
    """Give a column its new name, also in constraints and indexes; not in the text of expressions."""

    def renamed(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(new if name == old else name for name in names)

    def of_index(one: Index) -> Index:
        return replace(one, columns=renamed(one.columns), computed=renamed(one.computed))

    schema.put(
        replace(
            known,
            columns=tuple(
                replace(one, name=new if one.name == old else one.name, computed_from=renamed(one.computed_from))
                for one in known.columns
            ),
            constraints=tuple(replace(one, columns=renamed(one.columns)) for one in known.constraints),
            indexes=tuple(map(of_index, known.indexes)),
        )
    )
    _rekey(schema, lambda key: (key[0], new) if key == (known.name.name, old) else key)
    schema.readers = {
        key: frozenset(renamed(tuple(read))) if key[0] == known.name.name else read
        for key, read in schema.readers.items()
    }
    _in_keys_to(schema, known.name, lambda one: replace(one, referenced=renamed(one.referenced)))


def _rekey(schema: Schema, moved: Callable[[tuple[str, str]], tuple[str, str]]) -> None:
    schema.defaults = {moved(key) for key in schema.defaults}
    schema.default_texts = {moved(key): text for key, text in schema.default_texts.items()}
    schema.identities = {moved(key): always for key, always in schema.identities.items()}


def _in_keys_to(schema: Schema, target: Name, changed: Callable[[Constraint], Constraint]) -> None:
    for table in list(schema.every()):
        constraints = tuple(
            changed(one) if one.references is not None and one.references.same(target) else one
            for one in table.constraints
        )
        if constraints != table.constraints:
            schema.put(replace(table, constraints=constraints))


def _set_schema(schema: Schema, tree: Tree) -> None:
    if tree.HasField("relation") and (known := schema.table(name_of(tree.relation))):
        _move(schema, known, Name(known.name.name, tree.newschema))


RENAMES: dict[str, Callable[[Schema, Tree], None]] = {
    "rename_stmt": _rename,
    "alter_object_schema_stmt": _set_schema,
}
