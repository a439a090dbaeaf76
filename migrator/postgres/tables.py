"""Looks tables up in the catalog: their key, columns and size estimates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import psycopg
from psycopg import sql

from migrator.errors import Location, RefusedError, UsageError
from migrator.postgres.queries import query
from migrator.spelling import nearest


class UnknownTableError(UsageError):
    """A plan names a table that is not there.

    The name is looked up on the connection's search_path, as SQL does. Correct the plan, or add the schema:
    `schema.table`.
    """

    code = "MG160"


class NoKeyError(RefusedError):
    """The table has no primary key, so its rows cannot be walked in an order that stays the same.

    Add a primary key, or a unique index on NOT NULL columns turned into one, before the backfill. A backfill that sets
    columns can do without, if its `where` is false for every row that is filled.
    """

    code = "MG321"


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the catalog has it. `type` is as `format_type` writes it; `default` is SQL or None.

    `collation` is SQL, empty where it is that of the type.
    """

    name: str
    type: str
    not_null: bool
    default: str | None
    generated: bool
    collation: str = ""
    plain_type: str = ""
    """The type without length or precision; empty where that is not known."""
    identity: bool = False

    @property
    def declared(self) -> str:
        """The type, with the collation where that is another than the type's."""
        return f"{self.type} COLLATE {self.collation}" if self.collation else self.type


@dataclass(frozen=True)
class Table:
    """An ordinary or partitioned table. `estimated_rows` is None where statistics are missing."""

    oid: int
    schema: str
    name: str
    estimated_rows: int | None
    analyzed: bool
    columns: tuple[Column, ...]
    key: tuple[Column, ...]
    partitioned: bool = False
    alias_of: str | None = None
    """The name under which expressions know it, where that is not its own: a partition goes by its table's."""

    @property
    def called(self) -> str:
        return self.alias_of or self.name

    @cached_property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)

    @cached_property
    def named(self) -> sql.Composable:
        """The table in a statement with parameters."""
        return named(self.schema, self.name)

    @cached_property
    def alias(self) -> sql.Composable:
        """The name under which expressions know the table, in a statement with parameters."""
        return named(self.called)

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)

    def __str__(self) -> str:
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"


def find_table(connection: psycopg.Connection, name: str, where: Location | None = None) -> Table:
    """Return the table that `name` (SQL syntax, perhaps quoted or schema-qualified) means on this connection.

    Raises:
        UnknownTableError: there is none, or it is not a table.
    """
    try:
        row = connection.execute(query("table_of"), {"table": name}).fetchone()
    except psycopg.errors.InvalidName:
        row = None
    if row is None or row[3] not in ("r", "p"):
        reason = "there is no table" if row is None else "that is not a table:"
        guess = nearest(name, (known for (known,) in connection.execute(query("tables_at_hand"))))
        advice = f"did you mean {guess}?" if guess else "correct the name, or write schema.table"
        raise UnknownTableError(f"{reason} {name}", where=where, help=advice)
    oid, schema, relname, kind, reltuples, relpages, analyzed = row
    columns = tuple(Column(*found) for found in connection.execute(query("columns_of"), {"oid": oid}))
    keys = [found[0] for found in connection.execute(query("key_of"), {"oid": oid})]
    by_name = {column.name: column for column in columns}
    estimate = None if reltuples < 0 or (reltuples == 0 and relpages > 0) else int(reltuples)
    key = tuple(by_name[name] for name in keys)
    return Table(oid, schema, relname, estimate, analyzed, columns, key, partitioned=kind == "p")


def leaves(connection: psycopg.Connection, table: Table) -> list[Table]:
    """Return the partitions that hold the rows of `table`, called as `table` is; itself where it has none."""
    if not table.partitioned:
        return [table]
    names = [name for (name,) in connection.execute(query("leaves_of"), {"oid": table.oid})]
    return [replace(find_table(connection, name), alias_of=table.name) for name in names]


def require_key(table: Table, where: Location | None = None) -> tuple[Column, ...]:
    """Return the primary key's columns.

    Raises:
        NoKeyError
    """
    if not table.key:
        raise NoKeyError(f"table {table} has no primary key", where=where, help=f"give {table} a primary key first")
    return table.key


def named(*names: str) -> sql.Composable:
    """Return an identifier for a statement with parameters, safe against psycopg's placeholders as `raw` is."""
    return sql.SQL(sql.Identifier(*names).as_string().replace("%", "%%"))


def raw(expression: str) -> sql.Composable:
    """Return a plan's SQL expression in parentheses, safe against comments in it and psycopg's placeholders."""
    return sql.SQL("(" + expression.replace("%", "%%") + "\n)")
