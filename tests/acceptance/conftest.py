"""A database and a project in which everything is right, at the beginning of its plan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance import sizes
from tests.support.databases import Database, Templates
from tests.support.project import Project


@pytest.fixture
def items(templates: Templates, database_from: Callable[[str], Database]) -> Database:
    """A database with 500 items."""
    return database_from(templates.get("500 items", sizes.fill))


@pytest.fixture
def project(tmp_path: Path, items: Database) -> Project:
    """A project whose plan `sizes` has not begun."""
    project = Project(tmp_path, items.url)
    project.revision("aa01", sizes.ADD_SIZE, sizes.DROP_SIZE)
    project.revision("aa02", sizes.DROP_NAME, sizes.ADD_NAME)
    (tmp_path / "plans" / "0001_sizes.yaml").write_text(sizes.PLAN)
    return project
