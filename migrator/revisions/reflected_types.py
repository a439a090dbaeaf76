"""Column types as SQLAlchemy has them, from the text of a type in SQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy.dialects.postgresql import ARRAY, ENUM, INTERVAL, TIME, TIMESTAMP
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.types import NullType, TypeEngine

from migrator.check.schema.schema import Schema
from migrator.sql.column_type import Type, read_type
from migrator.sql.names import Name

_WRITTEN = {
    "bool": "boolean",
    "bpchar": "character",
    "char": '"char"',
    "float4": "real",
    "float8": "double precision",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "timestamptz": "timestamp",
    "timetz": "time",
    "varbit": "bit varying",
    "varchar": "character varying",
}
"""Types whose name in pg_type is not the one that PostgreSQL shows, and SQLAlchemy knows."""


def reflected_type(schema: Schema, text: str) -> TypeEngine[Any]:
    """Return the type; NullType for one that SQLAlchemy has no class for, and that is no enum of the schema."""
    found = read_type(text)
    if found is None:
        return NullType()
    single = _single(schema, found)
    return ARRAY(single) if found.array else single


def _single(schema: Schema, found: Type) -> TypeEngine[Any]:
    if not found.built_in:
        name = Name(found.name, found.schema)
        for enum, labels in schema.enums.items():
            if enum.same(name):
                return ENUM(*labels, name=enum.name, schema=enum.schema)
    of_sqlalchemy: Callable[..., TypeEngine[Any]] | None = ischema_names.get(_WRITTEN.get(found.name, found.name))
    if of_sqlalchemy is None:
        return NullType()
    if of_sqlalchemy in (TIMESTAMP, TIME):
        return of_sqlalchemy(timezone=found.name.endswith("tz"), precision=next(iter(found.modifiers), None))
    if of_sqlalchemy is INTERVAL:
        return INTERVAL()
    if found.name == "varbit":
        return of_sqlalchemy(*found.modifiers, varying=True)
    return of_sqlalchemy(*found.modifiers) if found.modifiers else of_sqlalchemy()
