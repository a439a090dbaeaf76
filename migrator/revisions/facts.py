"""What the database says about the relations of a statement, looked up on the revision's own connection.

It sees what the open transaction has done so far. Nothing is kept from one statement to the next.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, LiteralString

from migrator.postgres.queries import query
from migrator.revisions.found import KINDS, Found
from migrator.sql.context import Index, Table, Volatility
from migrator.sql.effects import Effect
from migrator.sql.names import Name

_RELATIONS = frozenset({"table", "foreign table", "view", "materialized view", "sequence"})
_VOLATILITIES = (Volatility.IMMUTABLE, Volatility.STABLE, Volatility.VOLATILE)


class Made:
    """The relations that a revision has made so far: by their full names, and as it wrote them."""

    def __init__(self) -> None:
        self._full: dict[Name, Name] = {}

    def note(self, cursor: Any, effect: Effect) -> None:
        """Note what a statement has made, now that it is there."""
        for made in effect.creates:
            if made.kind in _RELATIONS:
                cursor.execute(query("fact_full_name"), {"name": made.name.quoted()})
                row = cursor.fetchone()
                full = Name(row[1], row[0]) if row else made.name
                self._full[made.name] = self._full[full] = full
        if effect.changes_settings:  # perhaps the search path: what has no schema may be another relation from now on
            self._full = {name: full for name, full in self._full.items() if name.schema}

    def full(self, name: Name) -> Name | None:
        """Return the full name of the relation if this revision has made it."""
        return self._full.get(name)


class CatalogFacts:
    """A `Context` over a live connection; relations in `made` are new, which is all that matters about them."""

    def __init__(self, connection: Any, made: Made) -> None:
        self._cursor = connection.cursor()
        self._made = made
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

    def underlying(self, type_name: Name) -> str | None:
        row = self._one("fact_underlying_type", name=type_name.quoted())
        return str(row[0]) if row else None

    def default_of(self, domain: Name) -> str | None:
        row = self._one("fact_domain_default", name=domain.quoted())
        return row[0] if row else None

    def users_of(self, domain: Name) -> tuple[Name, ...] | None:
        rows = self._all("fact_domain_users", name=domain.quoted())
        return tuple(Name(name, schema) for schema, name in rows)

    def taken(self, name: Name) -> bool:
        row = self._one("fact_taken", quoted=name.quoted(), name=name.name, schema=name.schema)
        return bool(row and row[0])

    def exceeds(self, name: Name, rows: int) -> bool:
        self._cursor.execute(f"SELECT count(*) > {rows} FROM (SELECT FROM {name.quoted()} LIMIT {rows + 1}) few")
        return bool(self._cursor.fetchone()[0])

    def holds_rows(self) -> bool:
        names = (Name(name, schema) for schema, name in self._all("tables_with_pages"))
        return any(found.live for found in map(self.table, names) if found is not None)

    def _one(self, name: LiteralString, /, **parameters: Any) -> Any:
        self._cursor.execute(query(name), parameters)
        return self._cursor.fetchone()

    def _all(self, name: LiteralString, /, **parameters: Any) -> list[Any]:
        self._cursor.execute(query(name), parameters)
        return list(self._cursor.fetchall())

    def _is_empty(self, relation: Name) -> bool:
        self._cursor.execute(f"SELECT EXISTS (SELECT FROM {relation.quoted()})")
        return not self._cursor.fetchone()[0]

    @cached_property
    def _settings(self) -> Any:
        return self._one("fact_settings")

    def _table(self, name: Name) -> Table | None:
        made = self._made.full(name)
        if made:
            return Table(made, new=True)
        found = self._one("fact_relation", name=name.quoted())
        if not found or found[3] not in KINDS:
            return None
        full = self._made.full(Name(found[2], found[1]))
        return Table(full, new=True) if full else Found(found, self._all, self._is_empty)
