"""Signals of the throttle, looked at on a real server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from migrator.backfill.throttle import signal
from migrator.backfill.throttle.signal import Scene, Signal
from migrator.postgres.tables import find_table
from tests.support.databases import Database

ROWS = 2_000
MakeSignal = Callable[..., Signal]


@pytest.fixture
def connection(database: Database) -> psycopg.Connection:
    """A connection of the application, beside a table `items`."""
    connection = database.connect()
    connection.execute("CREATE TABLE items (id integer PRIMARY KEY, text text, writes integer NOT NULL DEFAULT 0)")
    connection.execute("INSERT INTO items SELECT n, repeat('x', 100) FROM generate_series(1, %s) n", (ROWS,))
    connection.execute("ANALYZE items")
    return connection


@pytest.fixture
def worker(database: Database) -> psycopg.Connection:
    """The connection of a worker of the backfill."""
    return database.connect()


@pytest.fixture
def looking(database: Database) -> psycopg.Connection:
    return database.connect()


@pytest.fixture
def made(database: Database, connection: psycopg.Connection, worker: psycopg.Connection) -> MakeSignal:
    """Make the signal of a key and a limit, as of a backfill of `items`."""
    scene = Scene(
        table=find_table(connection, "items"),
        own_pids=lambda: frozenset({worker.info.backend_pid}),
        connect=database.connect,
        size_before=lambda: size_of(connection),
    )
    return lambda key, limit: signal(key, limit, scene)


def size_of(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT pg_relation_size('items')").fetchone()
    assert row
    return int(row[0])


def reasons(looked_at: Signal, connection: psycopg.Connection, *, waiting: bool = False) -> list[str]:
    """Return why to wait, by one look."""
    found: list[Any] = [one.reason(waiting=waiting) for one in looked_at.observe(connection)]
    return [one for one in found if one]
