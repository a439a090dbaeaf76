"""Tables with an old and a new shape, and the dual write between them."""

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
