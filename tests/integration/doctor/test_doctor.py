"""`migrator doctor` names what endangers a migration and gives a command that mends it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.support.cli import run_cli
from tests.support.databases import Database, Databases
from tests.support.polling import wait_until
from tests.support.sessions import blocker


@pytest.fixture
def calm(database: Database) -> Database:
    with database.connect() as connection:
        name = sql.Identifier(database.name)
        connection.execute(sql.SQL("ALTER DATABASE {} SET idle_in_transaction_session_timeout = '60s'").format(name))
    return database


def examine(database: Database, tmp_path: Path) -> tuple[int, list[dict[str, str]]]:
    done = run_cli(["doctor", "--format", "json", "--database-url", database.url], cwd=tmp_path)
    return done.returncode, json.loads(done.stdout)["ailments"]


def mend(database: Database, ailment: dict[str, str]) -> None:
    with database.connect() as connection:
        connection.execute(ailment["mend"])


def test_a_healthy_database_has_nothing_to_mend(calm: Database, tmp_path: Path) -> None:
    assert examine(calm, tmp_path) == (0, [])


def test_a_server_that_never_ends_idle_transactions_is_named(database: Database, tmp_path: Path) -> None:
    code, (found,) = examine(database, tmp_path)
    assert code == 1
    mend(database, found)
    assert examine(database, tmp_path) == (0, [])


def test_an_invalid_index_is_named_and_the_command_drops_it(calm: Database, tmp_path: Path) -> None:
    with calm.connect() as connection:
        connection.execute("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("CREATE UNIQUE INDEX CONCURRENTLY broken ON t (a)")
    code, (found,) = examine(calm, tmp_path)
    assert (code, found["subject"]) == (1, "broken")
    mend(calm, found)
    assert examine(calm, tmp_path) == (0, [])


def test_a_constraint_that_is_not_valid_is_named_and_the_command_validates_it(calm: Database, tmp_path: Path) -> None:
    with calm.connect() as connection:
        connection.execute('CREATE TABLE "Odd Name" (a int)')
        connection.execute('ALTER TABLE "Odd Name" ADD CONSTRAINT positive CHECK (a > 0) NOT VALID')
    code, (found,) = examine(calm, tmp_path)
    assert (code, found["check"]) == (1, "unvalidated constraints")
    mend(calm, found)
    assert examine(calm, tmp_path) == (0, [])


def test_who_blocks_whom_is_named(calm: Database, tmp_path: Path) -> None:
    with calm.connect() as connection:
        connection.execute("CREATE TABLE t (a int)")
        with waiting_for(calm.url, "SELECT * FROM t", behind="LOCK TABLE t") as pid:
            blocked = "SELECT cardinality(pg_blocking_pids(%s)) > 0"
            wait_until(lambda: connection.execute(blocked, (pid,)).fetchone() == (True,))
            code, found = examine(calm, tmp_path)
    assert code == 1
    assert [one["subject"].split()[1] for one in found if one["check"] == "blocked sessions"] == [str(pid)]


def test_sessions_of_another_database_hold_up_nothing_here(
    calm: Database, databases: Databases, tmp_path: Path
) -> None:
    other = databases.create()
    with other.connect() as connection:
        connection.execute("CREATE TABLE t (a int)")
    with waiting_for(other.url, "ALTER TABLE t ADD b int", behind="LOCK TABLE t") as pid:
        with other.connect() as connection:
            blocked = "SELECT cardinality(pg_blocking_pids(%s)) > 0"
            wait_until(lambda: connection.execute(blocked, (pid,)).fetchone() == (True,))
        assert examine(calm, tmp_path) == (0, [])
    databases.drop(other)


@contextmanager
def waiting_for(url: str, statement: str, *, behind: str) -> Iterator[int]:
    """Run `statement` on another thread, where it waits for a transaction that ran `behind`; yield its process."""
    with psycopg.connect(url, autocommit=True) as connection:
        thread = threading.Thread(target=lambda: connection.execute(statement))
        with blocker(url, behind):
            thread.start()
            yield connection.info.backend_pid
        thread.join(timeout=10)
