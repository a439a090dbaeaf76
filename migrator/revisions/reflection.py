"""What SQLAlchemy asks a dialect about the schema, answered from what the history told."""

# ruff: noqa: ARG002 - SQLAlchemy hands over a connection, and nobody asks it.

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.engine.reflection import ObjectKind, ObjectScope, cache

from migrator.check.schema.schema import Schema
from migrator.revisions.known_schema import KnownSchema
from migrator.revisions.reflected_tables import (
    check_constraints_of,
    columns_of,
    foreign_keys_of,
    indexes_of,
    primary_key_of,
    unique_constraints_of,
)
from migrator.sql.context import RelationKind, Table
from migrator.sql.names import Name

_KINDS = {
    ObjectKind.TABLE: (RelationKind.TABLE, RelationKind.PARTITIONED, RelationKind.FOREIGN),
    ObjectKind.VIEW: (RelationKind.VIEW,),
    ObjectKind.MATERIALIZED_VIEW: (RelationKind.MATVIEW,),
}
_TEMPORARY = "pg_temp"

Told = list[tuple[tuple[str | None, str], Any]]
"""What was found out about tables, by schema and name."""


def _for_tables(answer: Callable[[Table, Schema, str | None], Any]) -> Callable[..., Told]:
    """Return a `get_multi_...`, which answers for tables that are known whole; to SQLAlchemy there are no others."""

    def get_multi(
        self: ReflectingDialect,
        connection: Any,
        schema: str | None,
        filter_names: Collection[str] | None,
        *,
        scope: ObjectScope,
        kind: ObjectKind,
        **_: Any,
    ) -> Told:
        del connection
        now = self.known.now()
        kinds = tuple(one for each, ours in _KINDS.items() if each in kind for one in ours)
        names = filter_names or now.names(schema, *kinds)
        found = ((name, self.known.whole(Name(str(name), schema))) for name in names)
        return [
            ((schema, name), answer(table, now.schema, schema))
            for name, table in found
            if table is not None and table.kind in kinds and _scope(table) in scope
        ]

    return get_multi


def _scope(table: Table) -> ObjectScope:
    return ObjectScope.TEMPORARY if table.name.schema == _TEMPORARY else ObjectScope.DEFAULT


class ReflectingDialect(PGDialect):
    """A dialect that asks no server. SQLAlchemy asks for one table as for several, by way of `get_multi_...`."""

    known: KnownSchema

    @cache
    def has_table(self, connection: Any, table_name: str, schema: str | None = None, **_: Any) -> bool:
        return self.known.ask(lambda learnt: learnt.has_table(Name(table_name, schema)))

    def has_multi_table(self, connection: Any, table_names: Any, schema: str | None = None, **_: Any) -> Any:
        return [((schema, one), self.has_table(connection, one, schema)) for one in table_names]

    @cache
    def has_index(self, connection: Any, table_name: str, index_name: str, schema: str | None = None, **_: Any) -> bool:
        return self.known.ask(lambda learnt: learnt.has_index(Name(table_name, schema), index_name))

    @cache
    def has_sequence(self, connection: Any, sequence_name: str, schema: str | None = None, **_: Any) -> bool:
        return self.known.ask(lambda learnt: learnt.has_sequence(Name(sequence_name, schema)))

    @cache
    def has_type(self, connection: Any, type_name: str, schema: str | None = None, **_: Any) -> bool:
        return self.known.ask(lambda learnt: learnt.has_type(Name(type_name, schema)))

    @cache
    def has_schema(self, connection: Any, schema: str, **_: Any) -> bool:  # type: ignore[override]  # as PGDialect
        return self.known.ask(lambda learnt: learnt.has_schema(schema))

    @cache
    def get_schema_names(self, connection: Any, **_: Any) -> list[str]:
        return self.known.listed(
            lambda learnt: sorted({*learnt.schemas(), "information_schema", "public"}),
            lambda learnt, name: learnt.has_schema(name),
        )

    @cache
    def get_sequence_names(self, connection: Any, schema: str | None = None, **_: Any) -> list[str]:
        return self.known.listed(
            lambda learnt: learnt.sequences(schema), lambda learnt, name: learnt.has_sequence(Name(name, schema))
        )

    @cache
    def get_table_names(self, connection: Any, schema: str | None = None, **_: Any) -> list[str]:
        return self._names(schema, RelationKind.TABLE, RelationKind.PARTITIONED)

    @cache
    def get_view_names(self, connection: Any, schema: str | None = None, **_: Any) -> list[str]:
        return self._names(schema, RelationKind.VIEW)

    @cache
    def get_materialized_view_names(self, connection: Any, schema: str | None = None, **_: Any) -> list[str]:
        return self._names(schema, RelationKind.MATVIEW)

    def _names(self, schema: str | None, *kinds: RelationKind) -> list[str]:
        return self.known.listed(
            lambda learnt: learnt.names(schema, *kinds), lambda learnt, name: learnt.has_table(Name(name, schema))
        )

    @cache
    def _load_enums(self, connection: Any, schema: str | None = None, **_: Any) -> list[dict[str, Any]]:
        """Return what `Inspector.get_enums` does."""
        self.known.ask(lambda learnt: bool(learnt.schema.enums) or None)
        return [
            {
                "name": name.name,
                "schema": name.schema or "public",
                "visible": name.schema in (None, "public"),
                "labels": list(labels),
            }
            for name, labels in self.known.now().schema.enums.items()
            if schema == "*" or (name.schema or "public") == (schema or "public")
        ]

    get_multi_columns = _for_tables(columns_of)
    get_multi_pk_constraint = _for_tables(primary_key_of)
    get_multi_foreign_keys = _for_tables(foreign_keys_of)
    get_multi_unique_constraints = _for_tables(unique_constraints_of)
    get_multi_check_constraints = _for_tables(check_constraints_of)
    get_multi_indexes = _for_tables(indexes_of)
    get_multi_table_comment = _for_tables(lambda *_: {"text": None})
    get_multi_table_options = _for_tables(lambda *_: {})
