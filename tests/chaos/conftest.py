"""Databases in which the story begins, and what an undisturbed run makes of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos import story
from tests.chaos.story import Stages
from tests.support.databases import Database, Databases, Templates
from tests.support.project import Project

MakeDatabase = Callable[[str], Database]


@pytest.fixture(scope="session")
def beginning(templates: Templates) -> str:
    """The template in which nothing has happened yet."""
    return templates.get("chaos beginning", lambda database: story.fill(database.url))


@pytest.fixture(scope="session")
def undisturbed(beginning: str, databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Stages:
    """The contents of the database after each stage of a run that nobody disturbs."""
    database = databases.create(beginning)
    stages = story.undisturbed(story.write(tmp_path_factory.mktemp("undisturbed"), database.url), database.connect())
    databases.drop(database)
    return stages


@pytest.fixture
def told_database(beginning: str, database_from: MakeDatabase) -> Database:
    return database_from(beginning)


@pytest.fixture
def project(told_database: Database, tmp_path: Path) -> Project:
    """The project of the story over a database in which it begins."""
    return story.write(tmp_path, told_database.url)
