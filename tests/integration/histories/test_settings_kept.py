"""What a revision or env.py sets for a transaction, or the role it takes, holds through our own commits and builds."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from tests.integration.histories.twin import Twin
from tests.support.databases import Database
from tests.support.project import ENV

START = [
    f"CREATE TABLE {table} (id int PRIMARY KEY, name text, n int); "
    f"INSERT INTO {table} SELECT g, g, g FROM generate_series(1, 100) g"
    for table in ("public.items", "tenant.items", "public.others", "tenant.others")
]
WAYS = {
    "for the transaction": "SET LOCAL search_path TO tenant, public",
    "for the session": "SET search_path TO tenant, public",
    "by a function": "SELECT set_config('search_path', 'tenant, public', true)",
}
CHANGE = [
    "CREATE INDEX items_n ON items (n)",
    "CREATE TABLE made (id int)",
    "ALTER TABLE items ADD CHECK (n > 0)",
    "ALTER TABLE items ADD COLUMN x int",
    "ALTER TABLE others ADD COLUMN y int",
    "ALTER TABLE others ADD UNIQUE (n)",
    "CREATE TABLE made_last (id int)",
]
BACK = [
    "DROP TABLE made_last, made",
    "DROP INDEX items_n",
    "ALTER TABLE others DROP CONSTRAINT others_n_key",
    "ALTER TABLE others DROP COLUMN y",
]


@pytest.mark.parametrize("way", WAYS)
def test_a_search_path_holds_from_one_statement_to_the_next(twin: Twin, way: str) -> None:
    twin.project.sql_revision("start", ["CREATE SCHEMA tenant", *START], ["SELECT 1"])
    twin.project.sql_revision("change", [WAYS[way], *CHANGE], [WAYS[way], *BACK])
    undone = ["DROP TABLE IF EXISTS public.later, tenant.later"]
    twin.project.sql_revision("after", ["CREATE TABLE later (id int)"], undone)
    twin.upgrade("change")  # Alembic may run several revisions in one transaction
    twin.upgrade("head")
    twin.downgrade("start")


@pytest.fixture
def role(database: Database, twin: Twin) -> Iterator[str]:
    """A role that may make tables, and has no rights on the ledger."""
    name = f"owner_{uuid4().hex[:12]}"
    with database.connect() as connection, twin.plain.connect() as other:
        connection.execute(f"CREATE ROLE {name}")
        for one in (connection, other):
            one.execute(f"GRANT CREATE, USAGE ON SCHEMA public TO {name}")
            one.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO {name}")
        yield name
        for one in (connection, other):
            one.execute(f"DROP OWNED BY {name}")
        connection.execute(f"DROP ROLE {name}")


def owners(connection: psycopg.Connection) -> list[tuple[str, str]]:
    return connection.execute(
        "SELECT relname, relowner::regrole::text FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
    ).fetchall()


@pytest.mark.parametrize("taken", ["by env.py", "by the revision", "for the transaction"])
def test_a_role_makes_what_it_is_to_own_and_the_ledger_is_written_all_the_same(
    twin: Twin, database: Database, role: str, taken: str
) -> None:
    takes = [f"SET {'LOCAL ' if taken == 'for the transaction' else ''}ROLE {role}"]
    if taken == "by env.py":
        begins = "connection.execute(sa.text('SET ROLE {role}')); connection.commit()\n    "
        twin.project.env(
            "import sqlalchemy as sa\n"
            + ENV.replace("context.configure(", begins.format(role=role) + "context.configure(", 1)
        )
        takes = []
    start = ["CREATE TABLE items (id int PRIMARY KEY, n int)", "INSERT INTO items SELECT generate_series(1, 9)"]
    twin.project.sql_revision("start", [*takes, *start], [*takes, "DROP TABLE items"])
    changes = ["CREATE INDEX items_n ON items (n)", "CREATE TABLE made (id int)"]
    twin.project.sql_revision("change", [*takes, *changes], [*takes, "DROP TABLE made", "DROP INDEX items_n"])
    twin.upgrade("head")
    assert owners(database.connect()) == owners(twin.plain.connect())
    assert ("made", role) in owners(database.connect())
    twin.downgrade("base")
