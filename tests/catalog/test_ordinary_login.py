"""Every shipped plan, there and back, by a login that owns its database and has no other right on the server."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from catalog_schema.load.shapes import PLANS
from catalog_schema.seed import Sizes, load
from tests.catalog.walks import back, forward
from tests.support.cli import run_cli
from tests.support.databases import Database, Databases

COLUMNS = """
    SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
    WHERE table_schema = 'public' ORDER BY 1, 2
"""


@pytest.fixture
def owned(databases: Databases) -> Iterator[Database]:
    """A database of a login of its own; its address is that login's."""
    made = databases.create()
    login = sql.Identifier(made.name)
    with made.connect() as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(login))
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(login, login))
        connection.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(login))
    yield Database(made.url.replace("postgres@", f"{made.name}@"), made.name)
    databases.drop(made)
    with psycopg.connect(databases.url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP ROLE {}").format(login))


def test_an_ordinary_login_carries_out_every_plan_and_takes_it_back(owned: Database) -> None:
    forward(owned.url, PLANS[0])
    with owned.connect() as connection:
        assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (False,)
        load(connection, Sizes.of(300), seed=1)
        before = connection.execute(COLUMNS).fetchall()
        for plan in PLANS[1:]:
            forward(owned.url, plan)
        assert connection.execute(COLUMNS).fetchall() != before
        for plan in reversed(PLANS[1:]):
            back(owned.url, plan, "start")
        assert connection.execute(COLUMNS).fetchall() == before


def test_a_login_that_may_not_create_the_ledgers_schema_is_told_what_an_administrator_has_to_type(
    owned: Database, databases: Databases
) -> None:
    admin = Database(databases.url, owned.name)
    admin.connect().execute(sql.SQL("ALTER DATABASE {} OWNER TO postgres").format(sql.Identifier(owned.name)))
    refused = run_cli(["upgrade", "head"], env={"DATABASE_URL": owned.url})
    assert refused.returncode == 5
    assert "error[MG312]" in refused.stderr
    remedy = refused.stderr.partition("let an administrator of the database run: ")[2].splitlines()[0]
    admin.connect().execute(sql.SQL(remedy))  # type: ignore[arg-type]
    done = run_cli(["upgrade", "head"], env={"DATABASE_URL": owned.url})
    assert done.returncode == 0, done.stderr
    admin.close()


def test_a_login_that_may_not_read_the_ledger_is_told_so(owned: Database, databases: Databases) -> None:
    admin = Database(databases.url, owned.name)
    done = run_cli(["upgrade", "head"], env={"DATABASE_URL": admin.url})
    assert done.returncode == 0, done.stderr
    admin.connect().execute("REVOKE ALL ON SCHEMA migrator FROM PUBLIC")
    refused = run_cli(["status"], env={"DATABASE_URL": owned.url})
    assert (refused.returncode, "error[MG312]" in refused.stderr) == (5, True), refused.stderr
    assert "Traceback" not in refused.stderr
    admin.close()
