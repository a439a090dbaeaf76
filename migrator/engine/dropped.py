"""The tables, columns and types that a statement drops or renames, each with the schema it is found in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from migrator.postgres.queries import query
from migrator.sql.effects import Effect, Object
from migrator.sql.names import Name


def located(cursor: Any, effect: Effect) -> Effect:
    """Return the effect with the schemas that it leaves to the search path of `cursor`, without what is not there."""
    return replace(
        effect,
        drops=tuple(found for one in effect.drops for found in _located(cursor, one)),
        renames=tuple(replace(one, what=found) for one in effect.renames for found in _located(cursor, one.what)),
    )


def _located(cursor: Any, one: Object) -> Iterator[Object]:
    if one.name.schema is not None:
        yield one
        return
    cursor.execute(query("schema_of"), {"name": one.name.quoted()})
    for (schema,) in cursor.fetchall():
        yield replace(one, name=Name(one.name.name, schema))
