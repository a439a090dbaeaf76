"""The schema as far as it is known, while statements change it; which statement changes what is in `changes`."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from migrator.check.schema.bounds import Bounds
from migrator.check.schema.old_rows import OldRows
from migrator.sql.context import NEWEST, Column, Index, RelationKind, Table, Volatility
from migrator.sql.names import Name

_ZONE_FREE_TIMESTAMPS = 12
"""Before, PostgreSQL rewrote the table for every change between timestamp and timestamptz."""


_TEMPORARY = "pg_temp"


@dataclass(frozen=True, slots=True)
class ViewColumns:
    """What a view reads: tables, and every column name that occurs in its query. A star stands for all columns.

    `output` are the columns that it has itself; None where they are not known.
    """

    relations: tuple[Name, ...]
    columns: frozenset[str]
    output: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """The text of a function, its language, and the names of its parameters."""

    text: str
    language: str
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trigger:
    """The function that a trigger calls, and whether the script made it."""

    function: Name
    new: bool


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function takes and gives, written as types; `names` are those of its parameters, empty for none."""

    types: tuple[str, ...]
    names: tuple[str, ...]
    result: str


@dataclass
class Schema:
    """A context for `migrator.sql`, built from statements. What no statement told is unknown, never assumed away.

    Attributes:
        complete: a dump was given, so what is not here does not exist.
        defaults: columns that have a default, as (table, column).
        added: columns that the script added to tables that were there before, as (table, column).
        new_objects: types, schemas, sequences and functions that the script made.
        bodies: what a function of the script sends when it is called.
        dropped_indexes: indexes that the script dropped, with what was known of them.
    """

    pg_version: int = NEWEST
    complete: bool = False
    session_timezone: str | None = None
    tables: dict[str, list[Table]] = field(default_factory=dict)
    volatilities: dict[Name, Volatility] = field(default_factory=dict)
    types: dict[Name, bool] = field(default_factory=dict)
    """Types that are no table's: True for a domain with a constraint."""
    bases: dict[Name, str] = field(default_factory=dict)
    """What values of a type are stored as: of a domain the type under it, else the type itself."""
    domain_rules: dict[Name, frozenset[str]] = field(default_factory=dict)
    """The names of a domain's constraints; those without a name, and those of a domain under it, are an empty text."""
    domain_defaults: dict[Name, str] = field(default_factory=dict)
    enums: dict[Name, tuple[str, ...]] = field(default_factory=dict)
    """The labels of each enum."""
    triggers: dict[tuple[str, str], Trigger] = field(default_factory=dict)
    """By table and name; True for one that the script made."""
    told: set[str] = field(default_factory=set)
    """Tables that a CREATE TABLE told whole."""
    identified: set[str] = field(default_factory=set)
    """Tables whose REPLICA IDENTITY a statement set, to whatever."""
    policies: dict[tuple[str, str], str] = field(default_factory=dict)
    """By table and name: the command that it is for, or all."""
    standing: set[tuple[str, Name]] = field(default_factory=set)
    """Sequences and schemas, by kind and name."""
    readers: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    """By table and words for a trigger or policy of it: the columns that it names."""
    prepared: dict[str, str] = field(default_factory=dict)
    """The statements that PREPARE named."""
    new_objects: set[Name] = field(default_factory=set)
    bodies: dict[Name, Body] = field(default_factory=dict)
    signatures: dict[Name, tuple[Signature, ...]] = field(default_factory=dict)
    views: dict[Name, ViewColumns] = field(default_factory=dict)
    extensions: set[str] = field(default_factory=set)
    bounds: dict[Name, Bounds] = field(default_factory=dict)
    """Of partitions, as far as they were written out."""
    defaults: set[tuple[str, str]] = field(default_factory=set)
    default_texts: dict[tuple[str, str], str] = field(default_factory=dict)
    """The expressions of the defaults, of those columns whose default a statement told."""
    identities: dict[tuple[str, str], bool] = field(default_factory=dict)
    """By table and column: whether it is GENERATED ALWAYS AS IDENTITY, or BY DEFAULT."""
    added: set[tuple[str, str]] = field(default_factory=set)
    old_rows: dict[tuple[str, str], OldRows] = field(default_factory=dict)
    """By table and column: what all rows have in it, as long as nothing may have written to them since it was added."""
    dropped_indexes: list[tuple[Name, Index | None]] = field(default_factory=list)
    gone_indexes: set[Name] = field(default_factory=set)
    """Indexes that were known and are no more, whatever they went with."""

    @property
    def timezone(self) -> str | None:
        return self.session_timezone if self.pg_version >= _ZONE_FREE_TIMESTAMPS else None

    def table(self, name: Name) -> Table | None:
        known = self.tables.get(name.name, ())
        if name.schema is None and any(table.name.schema == _TEMPORARY for table in known):
            name = Name(name.name, _TEMPORARY)
        exact = (table for table in known if table.name == name)
        return next(exact, None) or next((table for table in known if _can_be(table, name)), None)

    def index(self, name: Name) -> Index | None:
        return next((index for table in self.every() for index in table.indexes if index.name.same(name)), None)

    def volatility(self, function: Name) -> Volatility | None:
        return next((known for name, known in self.volatilities.items() if name.same(function)), None)

    def constrained(self, type_name: Name) -> bool | None:
        return next((known for name, known in self.types.items() if name.same(type_name)), None)

    def underlying(self, type_name: Name) -> str | None:
        return next((known for name, known in self.bases.items() if name.same(type_name)), None)

    def default_of(self, domain: Name) -> str | None:
        return next((known for name, known in self.domain_defaults.items() if name.same(domain)), None)

    def users_of(self, domain: Name) -> tuple[Name, ...] | None:
        if not self.complete and not any(name.same(domain) for name in self.new_objects):
            return None
        return tuple(
            table.name for table in self.every() if any(column.type == domain.quoted() for column in table.columns)
        )

    def taken(self, name: Name) -> bool:
        named = any(constraint.name == name.name for table in self.every() for constraint in table.constraints)
        return named or self.table(name) is not None or self.index(name) is not None

    def every(self) -> Iterator[Table]:
        """Yield every relation that is known."""
        return (table for tables in self.tables.values() for table in tables)

    def live(self, name: Name) -> bool:
        """Say whether somebody can be using rows of the relation."""
        known = self.table(name)
        return known is None or known.live

    def is_new(self, name: Name) -> bool:
        """Say whether the script itself made the relation."""
        known = self.table(name)
        return known is not None and known.new

    def is_made(self, name: Name) -> bool:
        """Say whether the script itself made the object, whatever it is."""
        return self.is_new(name) or any(one.same(name) for one in self.new_objects)

    def is_whole(self, name: Name) -> bool:
        """Say whether the table has no other columns and constraints than those that are known."""
        return self.complete or name.name in self.told

    def known(self, name: Name) -> Table:
        """Return what is known of a table, which may be its name and nothing else."""
        return self.table(name) or Table(name, RelationKind.TABLE)

    def functions(self, name: Name) -> tuple[Signature, ...]:
        """Return the signatures of the functions of that name."""
        return tuple(one for known, signatures in self.signatures.items() if known.same(name) for one in signatures)

    def put(self, table: Table) -> None:
        """Remember a relation in place of what was known of it."""
        self._note_gone(self.table(table.name), table)
        others = [one for one in self.tables.get(table.name.name, ()) if not one.name.same(table.name)]
        self.tables[table.name.name] = [*others, table]

    def forget(self, name: Name) -> None:
        """Remove a relation, and what belongs to it."""
        self._note_gone(self.table(name), None)
        self.tables[name.name] = [one for one in self.tables.get(name.name, ()) if not one.name.same(name)]
        self.views = {view: reads for view, reads in self.views.items() if not view.same(name)}
        self.added = {pair for pair in self.added if pair[0] != name.name}
        self.readers = {key: columns for key, columns in self.readers.items() if key[0] != name.name}
        self.triggers = {key: one for key, one in self.triggers.items() if key[0] != name.name}
        self.policies = {key: command for key, command in self.policies.items() if key[0] != name.name}
        self.told.discard(name.name)

    def _note_gone(self, before: Table | None, after: Table | None) -> None:
        now = {one.name for one in after.indexes} if after else set()
        self.gone_indexes |= {one.name for one in (before.indexes if before else ())}
        self.gone_indexes -= now

    def put_column(self, table: Name, column: Column) -> None:
        known = self.known(table)
        columns = tuple(column if one.name == column.name else one for one in known.columns)
        self.put(replace(known, columns=columns if column in columns else (*columns, column)))

    def believe(self, table: Name, column: Column) -> None:
        """Remember a column as somebody says it is, unless more is known of it."""
        present = self.known(table).column(column.name)
        if not self.complete and (present is None or not present.type):
            self.put_column(table, column)

    def put_index(self, table: Name, index: Index) -> None:
        known = self.known(table)
        self.put(replace(known, indexes=(*(one for one in known.indexes if one.name != index.name), index)))

    def has_triggers(self, table: Name) -> bool:
        """Say whether a trigger of the table is known."""
        return any(owner == table.name for owner, _ in self.triggers)

    def doubt(self) -> None:
        """Take note that statements ran which are not known: there may be more than is known, anywhere."""
        self.complete = False
        self.gone_indexes.clear()
        self.told.clear()
        self.old_rows.clear()

    def settled(self) -> Schema:
        """Return the schema as the next script finds it: what was new is in use by then."""
        later = self.copied()
        later.tables = {
            key: [_settled(one) for one in tables if one.name.schema != _TEMPORARY]
            for key, tables in self.tables.items()
        }
        later.added, later.new_objects, later.old_rows = set(), set(), {}
        later.triggers = {key: replace(one, new=False) for key, one in self.triggers.items()}
        later.prepared = {}
        later.dropped_indexes, later.session_timezone = [], None
        return later

    def become(self, other: Schema) -> None:
        """Take over everything that the other one knows."""
        vars(self).update(vars(other))

    def copied(self) -> Schema:
        """Return a copy that can go its own way."""
        other = copy.copy(self)
        # The lists in `tables` are replaced and never changed.
        vars(other).update(
            {name: copy.copy(value) for name, value in vars(self).items() if isinstance(value, dict | set | list)}
        )
        return other


def _settled(table: Table) -> Table:
    unpopulated = table.empty and table.kind is RelationKind.MATVIEW
    return replace(table, new=False, few=False, empty=unpopulated) if table.new or table.empty else table


def _can_be(table: Table, name: Name) -> bool:
    """Say whether the name can mean the table: what a script makes without a schema is in none but public."""
    elsewhere = table.new and table.name.schema is None and name.schema not in (None, "public")
    return table.name.same(name) and not elsewhere
