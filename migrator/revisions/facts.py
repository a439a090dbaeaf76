"""What the database says about the relations of a statement, looked up on the revision's own connection.

It sees what the open transaction has done so far. Nothing is kept from one statement to the next.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, LiteralString

from migrator.postgres.queries import query
from migrator.sql.context import Column, Constraint, Index, RelationKind, Table, Volatility
from migrator.sql.names import Name

_KINDS = {
    "r": RelationKind.TABLE,
    "p": RelationKind.PARTITIONED,
    "f": RelationKind.FOREIGN,
    "v": RelationKind.VIEW,
    "m": RelationKind.MATVIEW,
    "S": RelationKind.SEQUENCE,
}
_CONSTRAINTS = {"c": "check", "f": "foreign key", "p": "primary key", "u": "unique", "x": "exclude", "n": "not null"}
_VOLATILITIES = (Volatility.IMMUTABLE, Volatility.STABLE, Volatility.VOLATILE)


class CatalogFacts:
    """A `Context` over a live connection. `created` are the names of relations that this revision made."""

    def __init__(self, connection: Any, created: set[Name]) -> None:
        self._cursor = connection.cursor()
        self._created = created
        self._tables: dict[Name, Table | None] = {}

    @property
    def pg_version(self) -> int:
        return int(self._settings[0])

    @property
    def timezone(self) -> str | None:
        return str(self._settings[1])

    def table(self, name: Name) -> Table | None:
        if name not in self._tables:
            found = self._table(name)
            self._tables[name] = found
            if found:
                self._tables[found.name] = found
        return self._tables[name]

    def index(self, name: Name) -> Index | None:
        owner = self._one("fact_index_table", name=name.quoted())
        table = self.table(Name(*owner)) if owner else None
        return next((index for index in table.indexes if index.name.same(name)), None) if table else None

    def volatility(self, function: Name) -> Volatility | None:
        row = self._one("fact_volatility", name=function.name, schema=function.schema)
        return _VOLATILITIES[row[0]] if row and row[0] is not None else None

    def constrained(self, type_name: Name) -> bool | None:
        row = self._one("fact_domain", name=type_name.quoted())
        return row[0] if row else None

    def users_of(self, domain: Name) -> tuple[Name, ...] | None:
        rows = self._all("fact_domain_users", name=domain.quoted())
        return tuple(Name(name, schema) for schema, name in rows)

    def taken(self, name: Name) -> bool:
        row = self._one("fact_taken", quoted=name.quoted(), name=name.name, schema=name.schema)
        return bool(row and row[0])

    @cached_property
    def _settings(self) -> Any:
        return self._one("fact_settings")

    def _table(self, name: Name) -> Table | None:
        found = self._one("fact_relation", name=name.quoted())
        if not found or found[3] not in _KINDS:
            return Table(name, new=True) if any(name.same(made) for made in self._created) else None
        oid, schema, relname, kind, populated, locked = found
        full = Name(relname, schema)
        new = any(full.same(made) for made in self._created)
        relatives = self._all("fact_relatives", oid=oid)
        return Table(
            name=full,
            kind=_KINDS[kind],
            columns=tuple(Column(*row) for row in self._all("fact_columns", oid=oid)),
            constraints=tuple(_constraint(row) for row in self._all("fact_constraints", oid=oid)),
            indexes=tuple(_index(full, *row) for row in self._all("fact_indexes", oid=oid)),
            parents=_related(relatives, "parent"),
            children=_related(relatives, "child", "default"),
            default_partition=next(iter(_related(relatives, "default")), None),
            partition_key=self._partition_key(oid) if kind == "p" else (),
            referenced_by=_related(relatives, "referenced by"),
            new=new,
            empty=not new and self._is_empty(full, kind, populated=populated, locked=locked),
        )

    def _partition_key(self, oid: int) -> tuple[str, ...]:
        return tuple(row[0] for row in self._all("fact_partition_key", oid=oid))

    def _is_empty(self, name: Name, kind: str, *, populated: bool, locked: bool) -> bool:
        if kind == "m" and not populated:
            return True
        # Whoever locks all of a table uses it; to look inside would be to wait for him, for as long as it takes.
        if kind not in "rpm" or locked:
            return False
        self._cursor.execute(f"SELECT EXISTS (SELECT FROM {name.quoted()})")
        return not self._cursor.fetchone()[0]

    def _one(self, name: LiteralString, /, **parameters: Any) -> Any:
        self._cursor.execute(query(name), parameters)
        return self._cursor.fetchone()

    def _all(self, name: LiteralString, /, **parameters: Any) -> list[Any]:
        self._cursor.execute(query(name), parameters)
        return list(self._cursor.fetchall())


def _constraint(row: Any) -> Constraint:
    name, kind, validated, expression, schema, table, columns = row
    references = Name(table, schema) if table else None
    return Constraint(name, _CONSTRAINTS.get(kind, kind), tuple(columns), validated, expression, references)


def _index(table: Name, schema: str, name: str, columns: list[str], *properties: Any) -> Index:
    return Index(Name(name, schema), table, tuple(columns), *properties)


def _related(rows: list[Any], *roles: str) -> tuple[Name, ...]:
    return tuple(Name(name, schema) for role, schema, name in rows if role in roles)
