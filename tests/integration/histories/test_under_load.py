"""Every online form on a populated catalog while an application reads and writes each of its tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.online_forms import ENV_PY, FORMS, application, catalog
from tests.catalog.interference import Interference
from tests.integration.histories.conftest import Move
from tests.support.databases import Database, Templates
from tests.support.project import Project

PRODUCTS = 20_000
LOCK_TIMEOUT = 0.5


@pytest.fixture
def database(templates: Templates, database_from: Callable[[str], Database]) -> Database:
    return database_from(templates.get("catalog for online forms", lambda empty: catalog(empty, PRODUCTS)))


def test_no_form_makes_a_statement_of_the_application_fail_or_wait(
    database: Database, tmp_path: Path, upgrade: Move, downgrade: Move
) -> None:
    project = Project(tmp_path, database.url, lock_timeout=f"{LOCK_TIMEOUT * 1000:.0f}ms", lock_wait="60s")
    project.env(ENV_PY)
    for number, form in enumerate(FORMS):
        project.sql_revision(f"r{number}", [form.up], [form.down])
    with application(database.url, PRODUCTS) as noticed, Interference(database.url) as interference:
        assert len(upgrade(project)) == len(FORMS)
        assert len(downgrade(project, "base")) == len(FORMS)
    assert noticed.failures == []
    assert noticed.statements > len(FORMS)
    assert interference.longest_wait <= (LOCK_TIMEOUT + 0.1, "")
    assert interference.looks > len(FORMS)
