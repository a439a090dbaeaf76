"""Revisions of one small project, applied through plans."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.support.databases import Database
from tests.support.project import Project


@pytest.fixture
def connection(database: Database) -> psycopg.Connection:
    return database.connect()


@pytest.fixture
def project(database: Database, tmp_path: Path) -> Project:
    return Project(tmp_path, database.url, lock_wait="20s")


@pytest.fixture
def items(connection: psycopg.Connection) -> None:
    """A table with rows, so that changing it is a change of something in use."""
    connection.execute("CREATE TABLE owners (id integer PRIMARY KEY)")
    connection.execute("INSERT INTO owners SELECT generate_series(1, 10)")
    connection.execute("CREATE TABLE items (id integer PRIMARY KEY, owner_id integer, code text, amount integer)")
    connection.execute("INSERT INTO items SELECT n, n % 10 + 1, 'c' || n, n FROM generate_series(1, 200) n")
    connection.execute("CREATE TABLE log (what text)")
