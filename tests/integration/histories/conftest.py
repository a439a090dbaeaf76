"""A history of two revisions over a table with rows, and Alembic's own run of it to compare with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from migrator.engine import history
from migrator.engine.stop import Stop
from tests.integration.histories.twin import Twin
from tests.support.databases import Database, Databases
from tests.support.project import Project
from tests.support.servers import Source

Move = Callable[..., list[str]]


@pytest.fixture
def project(tmp_path: Path, database: Database) -> Project:
    """A project on the test's database, without revisions."""
    return Project(tmp_path, database.url)


@pytest.fixture
def items(project: Project) -> Project:
    """A project whose second revision builds an index online, because the first has left rows."""
    project.sql_revision(
        "items",
        ["CREATE TABLE items (id int PRIMARY KEY, name text)", "INSERT INTO items VALUES (1, 'one'), (2, 'two')"],
        ["DROP TABLE items"],
    )
    project.sql_revision("names", ["CREATE INDEX items_name ON items (name)"], ["DROP INDEX items_name"])
    return project


@pytest.fixture
def upgrade() -> Move:
    """Upgrades a project in this process, as `migrator upgrade` does, and returns the revisions applied."""

    def move(project: Project, revision: str = "head", *, x: tuple[str, ...] = (), **settings: str) -> list[str]:
        with project.target("upgrade", **settings) as target:
            target.x = x
            return history.upgrade(target, revision, emit=project.events.append, stop=Stop())

    return move


@pytest.fixture
def downgrade() -> Move:
    """Downgrades a project in this process."""

    def move(project: Project, revision: str, **settings: str) -> list[str]:
        with project.target("downgrade", **settings) as target:
            return history.downgrade(target, revision, emit=project.events.append, stop=Stop())

    return move


@pytest.fixture
def moves(upgrade: Move, downgrade: Move) -> dict[str, Move]:
    """Both directions, by name."""
    return {"upgrade": upgrade, "downgrade": downgrade}


@pytest.fixture
def twin(
    project: Project, database: Database, databases: Databases, postgres_source: Source, moves: dict[str, Move]
) -> Iterator[Twin]:
    """The test's project and a second database on which Alembic runs it alone."""
    if postgres_source.binaries is None:
        pytest.skip("needs pg_dump")
    plain = databases.create()
    yield Twin(project, database, plain, postgres_source.binaries, moves)
    databases.drop(plain)
