"""What the database says about the relations of a statement, looked up on the revision's own connection.

It sees what the open transaction has done so far. Nothing is kept from one statement to the next.
"""

from __future__ import annotations

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
        row = self._one("fact_settings")
        assert row
        self.pg_version: int = row[0]
        self.timezone: str | None = row[1]

    def table(self, name: Name) -> Table | None:
        if name not in self._tables:
            self._tables[name] = self._table(name)
        return self._tables[name]

    def index(self, name: Name) -> Index | None:
        found = self._relation(name, kinds="iI")
        rows = self._indexes(table=None, index=found[0]) if found else ()
        return rows[0] if rows else None

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

    def _table(self, name: Name) -> Table | None:
        found = self._relation(name, kinds="".join(_KINDS))
        if not found:
            return Table(name, new=True) if any(name.same(made) for made in self._created) else None
        oid, schema, relname, kind, populated, _ = found
        full = Name(relname, schema)
        relatives = self._all("fact_relatives", oid=oid)
        new = any(full.same(made) for made in self._created)
        return Table(
            name=full,
            kind=_KINDS[kind],
            columns=tuple(Column(*row) for row in self._all("fact_columns", oid=oid)),
            constraints=tuple(self._constraint(row) for row in self._all("fact_constraints", oid=oid)),
            indexes=self._indexes(table=oid, index=None),
            parents=_related(relatives, "parent"),
            children=_related(relatives, "child", "default"),
            default_partition=next(iter(_related(relatives, "default")), None),
            referenced_by=_related(relatives, "referenced by"),
            new=new,
            empty=not new and self._is_empty(full, kind, populated=populated),
        )

    def _is_empty(self, name: Name, kind: str, *, populated: bool) -> bool:
        if kind == "m" and not populated:
            return True
        # Whoever locks all of a table uses it; to look inside would be to wait for him, for as long as it takes.
        if kind not in "rpm" or self._one("fact_locked", name=name.quoted())[0]:
            return False
        self._cursor.execute(f"SELECT EXISTS (SELECT FROM {name.quoted()})")
        return not self._cursor.fetchone()[0]

    def _relation(self, name: Name, kinds: str) -> Any:
        row = self._one("fact_relation", name=name.quoted())
        return row if row and row[3] in kinds else None

    def _constraint(self, row: Any) -> Constraint:
        name, kind, validated, expression, schema, table, columns = row
        references = Name(table, schema) if table else None
        return Constraint(name, _CONSTRAINTS.get(kind, kind), tuple(columns), validated, expression, references)

    def _indexes(self, table: int | None, index: int | None) -> tuple[Index, ...]:
        rows = self._all("fact_indexes", table=table, index=index)
        return tuple(
            Index(
                Name(name, schema), Name(owner, owner_schema), tuple(columns), unique, valid, partial, expressions,
                constraint, partitioned,
            )
            for schema, name, unique, valid, partial, expressions, constraint, partitioned, owner, owner_schema, columns
            in rows
        )  # fmt: skip

    def _one(self, name: LiteralString, /, **parameters: Any) -> Any:
        self._cursor.execute(query(name), parameters)
        return self._cursor.fetchone()

    def _all(self, name: LiteralString, /, **parameters: Any) -> list[Any]:
        self._cursor.execute(query(name), parameters)
        return list(self._cursor.fetchall())


def _related(rows: list[Any], *roles: str) -> tuple[Name, ...]:
    return tuple(Name(name, schema) for role, schema, name in rows if role in roles)
