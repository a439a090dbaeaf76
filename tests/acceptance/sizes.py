"""A small project with one plan that has every kind of step, for the tests that run the command on it."""

from __future__ import annotations

from tests.support.content import Content, content_of
from tests.support.databases import Database

Ledger = dict[str, list[tuple[object, ...]]]

PLAN = """\
plan: sizes
expand:
  - revision: aa01
  - dual_write:
      table: items
      forward: {size: "length(name)"}
      backward: {name: "repeat('x', size)"}
migrate:
  - backfill:
      table: items
      set: {size: "length(name)"}
      where: size IS NULL
  - verify:
      table: items
      none: size IS DISTINCT FROM length(name)
  - gate: the release that reads items.size is live
contract:
  - revision: aa02
    irreversible: name can be made from size
"""
ADD_SIZE = 'op.add_column("items", sa.Column("size", sa.Integer()))'
DROP_SIZE = 'op.drop_column("items", "size")'
DROP_NAME = 'op.drop_column("items", "name")'
ADD_NAME = 'op.add_column("items", sa.Column("name", sa.Text()))'


def fill(database: Database) -> None:
    """Make the table that the plan changes."""
    with database.connect() as connection:
        connection.execute("CREATE TABLE items (id int PRIMARY KEY, name text)")
        connection.execute("INSERT INTO items SELECT n, repeat('x', n % 7) FROM generate_series(1, 500) AS n")
        connection.execute("ANALYZE items")


def state_of(database: Database) -> tuple[Content, Ledger]:
    """Return all that migrator could have changed: the application's schema and rows, and what the ledger says."""
    ledger: Ledger = {}
    with database.connect() as connection:
        tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'migrator' AND tablename <> 'ledger_version'"
        for (table,) in connection.execute(tables).fetchall():
            if rows := connection.execute(f"SELECT t::text FROM migrator.{table} AS t ORDER BY 1").fetchall():
                ledger[table] = rows
        return content_of(connection), ledger
