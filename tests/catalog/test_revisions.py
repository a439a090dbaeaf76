"""The catalog's revisions, run by Alembic alone: what they make, and that every one can be undone."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from catalog_schema.models import Base
from tests.catalog.alembic_steps import ROOT, alembic_config, downgrade, schema, upgrade
from tests.support.databases import Database

REVISIONS = [
    script.revision for script in ScriptDirectory.from_config(alembic_config("")).walk_revisions("base", "heads")
][::-1]


def engine(database: Database) -> sqlalchemy.Engine:
    url = sqlalchemy.make_url(database.url).set(drivername="postgresql+psycopg")
    return sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)


def test_every_revision_goes_up_down_and_up_again(database: Database) -> None:
    connection = database.connect()
    below = "base"
    for revision in REVISIONS:
        before = schema(connection)
        upgrade(database.url, revision)
        after = schema(connection)
        downgrade(database.url, below)
        assert schema(connection) == before, f"downgrade of {revision}"
        upgrade(database.url, revision)
        assert schema(connection) == after, f"second upgrade to {revision}"
        below = revision


def test_the_canary_changes_nothing(database: Database) -> None:
    connection = database.connect()
    upgrade(database.url, REVISIONS[0])
    before = schema(connection)
    upgrade(database.url, REVISIONS[1])
    assert schema(connection) == before


def test_the_whole_history_can_be_undone(database: Database) -> None:
    upgrade(database.url, "head")
    downgrade(database.url, "base")
    assert schema(database.connect()) == set()


def test_alembic_sees_no_difference_between_head_and_the_models(database: Database) -> None:
    upgrade(database.url, "head")
    with engine(database).connect() as connection:
        # alembic-utils, once another test has imported it, asks for include_schemas.
        context = MigrationContext.configure(
            connection, opts={"compare_server_default": True, "include_schemas": False}
        )
        assert compare_metadata(context, Base.metadata) == []


def test_the_models_create_what_the_revisions_lead_to(database: Database) -> None:
    connection = database.connect()
    upgrade(database.url, "head")
    migrated = schema(connection)
    connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    with engine(database).begin() as models:
        Base.metadata.create_all(models)
    assert schema(connection) == migrated


def test_the_plain_alembic_command_takes_the_address_from_the_environment(database: Database) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "-c", "catalog_schema/alembic.ini", "upgrade", "head"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database.url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert ("column", "products", "title") in {row[:3] for row in schema(database.connect())}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "catalog_schema" / "versions").glob("*.py")), ids=lambda path: path.name
)
def test_a_revision_file_is_named_by_its_day_its_id_and_its_subject(path: os.PathLike[str]) -> None:
    assert re.fullmatch(r".*/\d{4}_\d\d_\d\d_[0-9a-f]{12}_[a-z_]+\.py", os.fspath(path))
