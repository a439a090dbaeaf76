"""A relation in the catalog whose properties are looked up when asked for, because most statements ask for few."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any

from migrator.sql.context import Column, Constraint, Index, RelationKind, Table
from migrator.sql.names import Name

KINDS = {
    "r": RelationKind.TABLE,
    "p": RelationKind.PARTITIONED,
    "f": RelationKind.FOREIGN,
    "v": RelationKind.VIEW,
    "m": RelationKind.MATVIEW,
    "S": RelationKind.SEQUENCE,
}
_CONSTRAINTS = {"c": "check", "f": "foreign key", "p": "primary key", "u": "unique", "x": "exclude", "n": "not null"}

Ask = Callable[..., list[Any]]
"""Returns the rows of a named query; keywords are its parameters."""


class Found(Table):
    """A `Table` over the row of ``fact_relation``, with every property but these three from a query of its own."""

    _row: Any
    _ask: Ask
    _is_empty: Callable[[Name], bool]

    def __init__(self, row: Any, ask: Ask, is_empty: Callable[[Name], bool]) -> None:
        values = {"name": Name(row[2], row[1]), "kind": KINDS[row[3]], "new": False}
        for field, value in {**values, "_row": row, "_ask": ask, "_is_empty": is_empty}.items():
            object.__setattr__(self, field, value)  # a Table is frozen

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        return tuple(Column(*row) for row in self._asked("fact_columns"))

    @cached_property
    def constraints(self) -> tuple[Constraint, ...]:
        return tuple(_constraint(row) for row in self._asked("fact_constraints"))

    @cached_property
    def indexes(self) -> tuple[Index, ...]:
        return tuple(_index(self.name, *row) for row in self._asked("fact_indexes"))

    @cached_property
    def parents(self) -> tuple[Name, ...]:
        return self._related("parent")

    @cached_property
    def children(self) -> tuple[Name, ...]:
        return self._related("child", "default")

    @cached_property
    def default_partition(self) -> Name | None:
        return next(iter(self._related("default")), None)

    @cached_property
    def referenced_by(self) -> tuple[Name, ...]:
        return self._related("referenced by")

    @cached_property
    def partition_key(self) -> tuple[str, ...]:
        return tuple(row[0] for row in self._asked("fact_partition_key"))

    @cached_property
    def unlogged(self) -> bool:
        return bool(self._row[6])

    @cached_property
    def empty(self) -> bool:
        kind, populated, locked = self._row[3:6]
        if kind == "m" and not populated:
            return True
        # Whoever locks all of a table uses it; to look inside would be to wait for him, for as long as it takes.
        return kind in "rpm" and not locked and self._is_empty(self.name)

    @cached_property
    def _relatives(self) -> list[Any]:
        return self._asked("fact_relatives")

    def _related(self, *roles: str) -> tuple[Name, ...]:
        return tuple(Name(name, schema) for role, schema, name in self._relatives if role in roles)

    def _asked(self, name: str) -> list[Any]:
        rows: list[Any] = self._ask(name, oid=self._row[0])
        return rows


def _constraint(row: Any) -> Constraint:
    name, kind, validated, expression, schema, table, columns = row
    references = Name(table, schema) if table else None
    return Constraint(name, _CONSTRAINTS.get(kind, kind), tuple(columns), validated, expression, references)


def _index(table: Name, schema: str, name: str, columns: list[str], *properties: Any) -> Index:
    index = Index(Name(name, schema), table, tuple(columns), *properties[:-1])
    return replace(index, computed=tuple(properties[-1]))
