"""Backfills of a table of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from migrator.plan import Plan
from tests.support.brake import Brake
from tests.support.databases import Database
from tests.support.project import Project

MakePlan = Callable[..., Plan]


@pytest.fixture
def connection(database: Database) -> psycopg.Connection:
    return database.connect()


@pytest.fixture
def project(database: Database, tmp_path: Path) -> Project:
    return Project(tmp_path, database.url, lock_wait="20s")


@pytest.fixture
def brake(database: Database) -> Brake:
    return Brake(database.connect())


@pytest.fixture
def backfill(project: Project) -> MakePlan:
    """Return the plan of one backfill in chunks of 100 rows; the columns it fills count as meant to be overwritten."""

    def plan(table: str, columns: Mapping[str, str], **keys: Any) -> Plan:
        step = {"table": table, "set": dict(columns), "chunk_rows": 100, "fixed": True, "irreversible": "a test"}
        if "into" in keys:
            del step["irreversible"]
        return project.plan("fill", yaml.safe_dump({"migrate": [{"backfill": {**step, **keys}}]}, allow_unicode=True))

    return plan
