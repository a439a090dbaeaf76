"""Tables of the schema that is known, in the shapes in which SQLAlchemy's inspector returns them."""

from __future__ import annotations

from typing import Any

from migrator.check.schema.schema import Schema
from migrator.revisions.reflected_types import reflected_type
from migrator.sql.context import Constraint, Index, Table
from migrator.sql.names import Name

_ACTIONS = {"r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
_AN_EXPRESSION = "<expression>"
_INTEGERS = frozenset({"int", "integer", "bigint", "smallint", "int2", "int4", "int8"})


def columns_of(table: Table, schema: Schema, *_: Any) -> list[dict[str, Any]]:
    """Return the columns. Identity and generated columns are like others that get a value."""
    texts = schema.default_texts
    return [
        {
            "name": one.name,
            "type": reflected_type(schema, one.type),
            "nullable": not one.not_null,
            "default": texts.get((table.name.name, one.name)),
            "autoincrement": one.type in _INTEGERS
            and (table.name.name, one.name) in schema.defaults
            and (table.name.name, one.name) not in texts,
            "comment": None,
        }
        for one in table.columns
    ]


def _constraints(table: Table, kind: str) -> list[Constraint]:
    return sorted((one for one in table.constraints if one.kind == kind), key=lambda one: one.name)


def primary_key_of(table: Table, *_: Any) -> dict[str, Any]:
    for one in _constraints(table, "primary key"):
        return {"constrained_columns": list(one.columns), "name": one.name, "comment": None}
    return {"constrained_columns": [], "name": None}


def foreign_keys_of(table: Table, schema: Schema, asked_in: str | None) -> list[dict[str, Any]]:
    """Return the foreign keys; the schema of their targets as PostgreSQL writes it, who leaves out `public`."""
    return [
        {
            "name": one.name,
            "constrained_columns": list(one.columns),
            "referred_schema": _shown_schema(one.references, asked_in),
            "referred_table": one.references.name,
            "referred_columns": list(one.referenced or _key_columns(schema, one.references)),
            "options": _options(one.actions),
            "comment": None,
        }
        for one in _constraints(table, "foreign key")
        if one.references is not None
    ]


def _shown_schema(target: Name, asked_in: str | None) -> str | None:
    return asked_in if target.schema in (None, "public") and asked_in == "public" else _unless_public(target.schema)


def _unless_public(schema: str | None) -> str | None:
    return None if schema == "public" else schema


def _key_columns(schema: Schema, target: Name) -> list[str]:
    columns: list[str] = primary_key_of(schema.known(target))["constrained_columns"]
    return columns


def _options(actions: str) -> dict[str, str]:
    found = zip(("ondelete", "onupdate"), actions, strict=False)
    return {when: _ACTIONS[action] for when, action in found if action in _ACTIONS}


def unique_constraints_of(table: Table, *_: Any) -> list[dict[str, Any]]:
    return [
        {"name": one.name, "column_names": list(one.columns), "comment": None} for one in _constraints(table, "unique")
    ]


def check_constraints_of(table: Table, *_: Any) -> list[dict[str, Any]]:
    return [{"name": one.name, "sqltext": one.expression, "comment": None} for one in _constraints(table, "check")]


def indexes_of(table: Table, *_: Any) -> list[dict[str, Any]]:
    """Return the indexes, without the one of the primary key."""
    keys = {one.name for one in _constraints(table, "primary key")}
    return [_index(one) for one in sorted(table.indexes, key=lambda one: one.name) if one.constraint not in keys]


def _index(one: Index) -> dict[str, Any]:
    columns: list[str | None] = list(one.columns)
    found: dict[str, Any] = {"name": one.name.name, "unique": one.unique, "column_names": columns}
    if one.expressions:
        columns.append(None)
        found["expressions"] = [*one.columns, _AN_EXPRESSION]
    if one.constraint:
        found["duplicates_constraint"] = one.constraint
    return found
