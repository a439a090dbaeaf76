"""Branches, merges, dependencies, labels and relative identifiers mean to migrator what they mean to Alembic."""

from __future__ import annotations

import io

import pytest
from alembic import command
from alembic.config import Config

from migrator.errors import UsageError
from tests.integration.histories.conftest import Move
from tests.integration.histories.twin import Twin
from tests.support.databases import Database
from tests.support.project import Project

REVISION = """\
import sqlalchemy as sa
from alembic import op

revision = "{name}"
down_revision = {down!r}
branch_labels = {labels!r}
depends_on = {depends!r}


def upgrade():
    op.execute("CREATE TABLE IF NOT EXISTS rows AS SELECT 1 AS one")
    op.execute("CREATE TABLE t_{name} (id int)")
    op.execute("CREATE INDEX i_{name} ON rows (one)")


def downgrade():
    op.execute("DROP INDEX i_{name}")
    op.execute("DROP TABLE t_{name}")
"""


def write(project: Project, name: str, down: object, labels: object = None, depends: object = None) -> None:
    text = REVISION.format(name=name, down=down, labels=labels, depends=depends)
    (project.folder / "versions" / f"{name}.py").write_text(text)


@pytest.fixture
def branched(twin: Twin) -> Twin:
    """a1 - a2 ------ m - z
    \\ b1 - b2 /        c1 (label `side`, depends on b1) - c2
    """
    write(twin.project, "a1", None)
    write(twin.project, "a2", "a1")
    write(twin.project, "b1", "a1", labels=("left",))
    write(twin.project, "b2", "b1")
    write(twin.project, "m", ("a2", "b2"))
    write(twin.project, "z", "m")
    write(twin.project, "c1", None, labels=("side",), depends="b1")
    write(twin.project, "c2", "c1")
    return twin


WALKS = [
    ["heads", "-base"],
    ["z", "-m", "-a1", "heads"],
    ["a2", "+1"],
    ["side@head", "-side@base", "heads"],
    ["left@b2", "z", "-left@b1"],
    ["a1", "+2", "z-1"],
    ["side@+1", "side@+1"],
    ["a2+1", "m", "-m-1"],
    ["m", "-a2", "z"],
    ["z", "--2"],
    ["c2", "--1"],
    ["zz", "z"],
    ["head"],
    ["a1", "--1", "--1"],
    ["b", "-a"],
]


@pytest.mark.parametrize("walk", WALKS, ids=" ".join)
def test_a_walk_through_a_branched_history_ends_where_alembic_ends(walk: list[str], branched: Twin) -> None:
    for stop in walk:
        direction, revision = ("downgrade", stop[1:]) if stop.startswith("-") else ("upgrade", stop)
        try:
            branched.alembic(direction, revision)
        except Exception:  # noqa: BLE001 - whatever Alembic has against it
            with pytest.raises(UsageError):
                branched.move[direction](branched.project, revision)
            continue
        branched.move[direction](branched.project, revision)
        branched.compare()


def test_alembic_sees_nothing_unusual_afterwards(items: Project, database: Database, upgrade: Move) -> None:
    upgrade(items)
    said = io.StringIO()
    config = Config(str(items.folder / "alembic.ini"), stdout=said)
    config.set_main_option("sqlalchemy.url", database.url.replace("postgresql:", "postgresql+psycopg:"))
    command.current(config, check_heads=True)
    assert "names (head)" in said.getvalue()
    command.upgrade(config, "head")
    command.downgrade(config, "base")
    assert upgrade(items) == ["items", "names"]
