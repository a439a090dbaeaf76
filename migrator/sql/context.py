"""What the caller knows of the database before a statement: plain data about relations; how it was learnt is theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from migrator.sql.names import Name

NEWEST = 18
"""The newest PostgreSQL this package knows."""


class Volatility(Enum):
    """When a function's value can change: never, between statements, from row to row."""

    IMMUTABLE = "immutable"
    STABLE = "stable"
    VOLATILE = "volatile"


class RelationKind(Enum):
    """What kind of relation a name stands for."""

    TABLE = "table"
    PARTITIONED = "partitioned table"
    FOREIGN = "foreign table"
    VIEW = "view"
    MATVIEW = "materialized view"
    SEQUENCE = "sequence"


@dataclass(frozen=True, slots=True)
class Column:
    """A column as it is before the statement. `type` is as `format_type` writes it."""

    name: str
    type: str
    not_null: bool = False
    generated: str = ""
    """For a generated column that a statement told: stored or virtual."""
    computed_from: tuple[str, ...] = ()
    """For such a column: the columns that its expression names."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """A constraint of a table. `kind` is check, foreign key, unique, primary key, exclude or not null."""

    name: str
    kind: str
    columns: tuple[str, ...] = ()
    validated: bool = True
    expression: str = ""
    """For a check: the expression inside `CHECK (...)`."""
    references: Name | None = None
    """For a foreign key: the table it points to. A partition's copy of its parent's foreign key is left out."""
    referenced: tuple[str, ...] = ()
    """For a foreign key that names them: the columns it points to."""
    actions: str = ""
    """For a foreign key: what ON DELETE and ON UPDATE do, a letter each as in pg_constraint."""


@dataclass(frozen=True, slots=True)
class Index:
    """An index. `columns` are those it is over, expressions left out."""

    name: Name
    table: Name
    columns: tuple[str, ...] = ()
    unique: bool = False
    valid: bool = True
    partial: bool = False
    expressions: bool = False
    constraint: str | None = None
    partitioned: bool = False
    plain: bool = True
    """Whether it is a btree with the operator classes and collations of its columns."""
    computed: tuple[str, ...] = ()
    """Columns that its expressions and its WHERE name."""


@dataclass(frozen=True, slots=True)
class Table:
    """A relation with columns: table, partitioned table, view or materialized view."""

    name: Name
    kind: RelationKind = RelationKind.TABLE
    columns: tuple[Column, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    indexes: tuple[Index, ...] = ()
    parents: tuple[Name, ...] = ()
    children: tuple[Name, ...] = ()
    """Direct partitions or inheriting tables."""
    default_partition: Name | None = None
    partition_key: tuple[str, ...] = ()
    referenced_by: tuple[Name, ...] = ()
    """Tables with a foreign key to this one."""
    new: bool = False
    """Created by the revision that the statement belongs to."""
    empty: bool = False
    """Holds no row. For a materialized view: was never populated."""
    few: bool = False
    """Holds no rows but those that the statements before have written out."""
    unlogged: bool | None = None
    """Whether it is left out of the write-ahead log; None where that is not known."""

    @property
    def live(self) -> bool:
        """Whether somebody can be using rows of it."""
        return not (self.new or self.empty)

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)

    def constraint(self, name: str) -> Constraint | None:
        return next((constraint for constraint in self.constraints if constraint.name == name), None)


class Context(Protocol):
    """What can be asked. None always means "not known", and then the worst is assumed."""

    @property
    def pg_version(self) -> int:
        """Major version of the server: 14 to 18."""

    @property
    def timezone(self) -> str | None:
        """The session's TimeZone."""

    def table(self, name: Name) -> Table | None:
        """Return the relation that `name` means on the search path."""

    def index(self, name: Name) -> Index | None:
        """Return the index that `name` means on the search path."""

    def volatility(self, function: Name) -> Volatility | None:
        """Return the volatility of a function that is not built in; the worst of its overloads."""

    def constrained(self, type_name: Name) -> bool | None:
        """Say whether the type is a domain with a CHECK or NOT NULL."""

    def underlying(self, type_name: Name) -> str | None:
        """Return the type under a domain as `format_type` writes it; of a type that is no domain, its own name."""

    def default_of(self, domain: Name) -> str | None:
        """Return the expression that is the domain's default; None where it has none or it is not known."""

    def users_of(self, domain: Name) -> tuple[Name, ...] | None:
        """Return the tables with a column of this domain."""

    def taken(self, name: Name) -> bool:
        """Say whether a relation or constraint of this name exists, so that PostgreSQL chooses another."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A context that holds all it knows. Without arguments it knows nothing."""

    pg_version: int = NEWEST
    timezone: str | None = None
    tables: tuple[Table, ...] = ()
    volatilities: Mapping[Name, Volatility] = field(default_factory=dict)
    domains: Mapping[Name, bool] = field(default_factory=dict)
    domain_users: Mapping[Name, tuple[Name, ...]] = field(default_factory=dict)
    base_types: Mapping[Name, str] = field(default_factory=dict)
    domain_defaults: Mapping[Name, str] = field(default_factory=dict)
    names: frozenset[Name] = frozenset()
    """Further names that are taken."""

    def table(self, name: Name) -> Table | None:
        return next((table for table in self.tables if table.name.same(name)), None)

    def index(self, name: Name) -> Index | None:
        indexes = (index for table in self.tables for index in table.indexes)
        return next((index for index in indexes if index.name.same(name)), None)

    def volatility(self, function: Name) -> Volatility | None:
        return next((known for name, known in self.volatilities.items() if name.same(function)), None)

    def constrained(self, type_name: Name) -> bool | None:
        return next((known for name, known in self.domains.items() if name.same(type_name)), None)

    def underlying(self, type_name: Name) -> str | None:
        return next((base for name, base in self.base_types.items() if name.same(type_name)), None)

    def default_of(self, domain: Name) -> str | None:
        return next((default for name, default in self.domain_defaults.items() if name.same(domain)), None)

    def users_of(self, domain: Name) -> tuple[Name, ...] | None:
        return next((users for name, users in self.domain_users.items() if name.same(domain)), None)

    def taken(self, name: Name) -> bool:
        return (
            any(name.same(other) for other in self.names)
            or self.table(name) is not None
            or self.index(name) is not None
            or any(constraint.name == name.name for table in self.tables for constraint in table.constraints)
        )


def is_live(context: Context, name: Name) -> bool:
    """Say whether somebody can be using rows of the relation; yes where nothing is known of it."""
    table = context.table(name)
    return table is None or table.live


def resolved(context: Context, name: Name) -> Name:
    """Return the relation's full name where it is known, else the name as it was written."""
    table = context.table(name)
    return name if table is None else table.name


def descendants(context: Context, name: Name) -> tuple[Name, ...]:
    """Return every partition or inheriting table below `name`, parents before their children."""
    table = context.table(name)
    if table is None:
        return ()
    return tuple(below for child in table.children for below in (child, *descendants(context, child)))


def leaves(context: Context, name: Name) -> tuple[Name, ...]:
    """Return the partitions of `name` that hold rows; the table itself where it is not partitioned."""
    table = context.table(name)
    if table is None or table.kind is not RelationKind.PARTITIONED:
        return (name,)
    return tuple(leaf for child in table.children for leaf in leaves(context, child))
