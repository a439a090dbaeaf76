"""The load as a process: what it reports is what happened to the application."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from catalog_schema.load import Load, LoadError
from catalog_schema.seed import Sizes, load
from tests.catalog.alembic_steps import BASELINE, upgrade
from tests.support.databases import Database, Templates
from tests.support.polling import wait_until


@pytest.fixture
def catalog(templates: Templates, database_from: Callable[[str], Database]) -> Database:
    def build(database: Database) -> None:
        upgrade(database.url, BASELINE)
        with database.connect() as connection:
            load(connection, Sizes.of(1_000), seed=1)

    return database_from(templates.get("catalog for the load", build))


def count_of_writes(database: Database) -> int:
    with database.connect() as connection:
        (count,) = connection.execute("SELECT count(*) FROM products WHERE sku LIKE 'LOAD-%'").fetchone() or (0,)
    return int(count)


def wait_for_writes(database: Database, count: int = 20) -> None:
    message = f"{count} products inserted by the load"
    wait_until(lambda: count_of_writes(database) >= count, timeout=30, message=message)


def longest_wait(database: Database) -> timedelta:
    """For how long a statement has been waiting for a lock."""
    with database.connect() as connection:
        (waited,) = connection.execute(
            "SELECT max(clock_timestamp() - query_start) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone() or (None,)
    return waited or timedelta()


def test_a_load_on_the_right_shape_fails_nothing_and_loses_nothing(catalog: Database) -> None:
    with Load(catalog.url, shape="old", rate=500) as running:
        wait_for_writes(catalog)
        first = running.mark("later")
        results = running.stop()
    assert (first.name, list(results.buckets)) == ("start", ["start", "later"])
    assert results.requests >= first.requests > 100
    assert (results.failed, results.lost, results.verified) == (0, 0, True)
    assert results.writes > 20
    assert 0 < first.p50 <= first.p95 <= first.p99 <= first.max <= results.slowest


def test_the_wrong_shape_fails_and_says_why(catalog: Database) -> None:
    looks = itertools.count()
    with Load(catalog.url, shape="old", rate=500, verify=False) as running:
        wait_for_writes(catalog)
        running.mark("new code too early")
        running.switch("new")
        wait_until(lambda: running.mark(f"look {next(looks)}").failed > 0, message="requests that fail")
        results = running.stop()
    assert results.buckets["start"].failed == 0
    assert {failure["sqlstate"] for failure in results.failures} == {"42703"}
    assert 'column "tags"' in results.failures[0]["message"]


def test_no_old_statement_comes_after_the_switch(catalog: Database) -> None:
    connection = catalog.connect()
    connection.execute("ALTER TABLE products ADD COLUMN tags text[]")
    with Load(catalog.url, shape="mixed", rate=500, verify=False) as running:
        wait_for_writes(catalog)
        running.switch("new")
        connection.execute("ALTER TABLE products DROP COLUMN legacy_tags")
        wait_for_writes(catalog, 40)
        results = running.stop()
    assert results.failures == []


def test_a_stall_shows_in_every_request_that_was_due_meanwhile(catalog: Database) -> None:
    blocker = catalog.connect(autocommit=False)
    with Load(catalog.url, rate=200) as running:
        wait_for_writes(catalog, 5)
        running.mark("stall")
        blocker.execute("LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
        wait_until(lambda: longest_wait(catalog) >= timedelta(milliseconds=500), message="a stall of half a second")
        blocker.rollback()
        wait_for_writes(catalog, count_of_writes(catalog) + 3)
        results = running.stop()
    # Four connections waited, but a hundred requests were due: most of the bucket has a part of the stall.
    assert results.buckets["stall"].max >= 480
    assert results.buckets["stall"].p50 >= 50


def test_a_write_that_somebody_undid_is_reported_as_lost(catalog: Database) -> None:
    with Load(catalog.url, rate=500) as running:
        wait_for_writes(catalog)
        catalog.connect().execute("UPDATE products SET name = 'overwritten' WHERE sku LIKE 'LOAD-%'")
        results = running.stop()
    assert results.lost > 0
    assert results.examples[0]["field"] == "title"
    assert results.examples[0]["found"] == "'overwritten'"


def test_a_cut_connection_is_a_failure_and_the_load_goes_on(catalog: Database) -> None:
    connection = catalog.connect()
    with Load(catalog.url, rate=500) as running:
        wait_for_writes(catalog)
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'catalog' AND datname = current_database()"
        )
        wait_for_writes(catalog, 60)
        results = running.stop()
    assert 0 < results.failed <= 8
    assert results.lost == 0


def test_leaving_without_stop_ends_the_process(catalog: Database) -> None:
    with Load(catalog.url) as running:
        assert running.pid
        arguments = Path(f"/proc/{running.pid}/cmdline")
        if arguments.exists():
            assert b"postgresql://" not in arguments.read_bytes()
    found = catalog.connect()

    def gone() -> bool:
        sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND application_name = 'catalog'"
        return found.execute(sessions, [catalog.name]).fetchone() == (0,)

    wait_until(gone, timeout=10, message="the load's sessions to end")


def test_a_load_that_cannot_begin_says_so(catalog: Database) -> None:
    with pytest.raises(LoadError, match="exit code 1"), Load(catalog.url + "_that_is_not_there"):
        pass
