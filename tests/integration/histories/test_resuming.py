"""What a revision reads on the way must not mislead it when it is resumed."""

from __future__ import annotations

import pytest

from migrator.revisions.errors import ResultGoneError, RevisionFileError, StatementFailedError
from migrator.revisions.pieces import AddedNames
from tests.integration.histories.conftest import Move
from tests.integration.histories.twin import Twin
from tests.support.databases import Database
from tests.support.project import Project

# Each commits an INSERT in front of an online form, and then fails as long as the table `ready` is missing.
RETURNING = """
new = op.get_bind().execute(sa.text("INSERT INTO items VALUES (7, 'x') RETURNING id")).scalar_one()
op.create_index("items_name", "items", ["name"])
op.execute("CREATE VIEW seen AS SELECT * FROM ready")
"""
SESSION = """
from sqlalchemy import orm
Base = orm.declarative_base()
class Event(Base):
    __tablename__ = "events"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.Text)
with orm.Session(bind=op.get_bind()) as session:
    event = Event(name="first")
    session.add(event)
    session.flush()
    assert event.id == 1
    op.create_index("items_name", "items", ["name"])
    op.execute("CREATE VIEW seen AS SELECT * FROM ready")
"""


@pytest.mark.parametrize("upgrading", [RETURNING, SESSION], ids=["RETURNING", "a session"])
def test_rows_that_were_returned_before_the_stop_are_asked_for_in_vain(
    upgrading: str, items: Project, database: Database, upgrade: Move, downgrade: Move
) -> None:
    items.sql_revision(
        "events", ["DROP INDEX items_name", "CREATE TABLE events (id serial PRIMARY KEY, name text)"], []
    )
    items.revision("reads", upgrading, 'op.execute("DROP VIEW seen")\nop.execute("DROP INDEX items_name")')
    with pytest.raises(StatementFailedError, match="ready"):
        upgrade(items)
    connection = database.connect()
    connection.execute("CREATE TABLE ready ()")
    with pytest.raises(ResultGoneError):
        upgrade(items)
    assert downgrade(items, "-1") == ["reads"]
    connection.execute("DELETE FROM items WHERE id = 7; TRUNCATE events RESTART IDENTITY")
    assert upgrade(items) == ["reads"]


def test_rows_that_nobody_reads_do_not_stop_a_revision_from_being_resumed(
    items: Project, database: Database, upgrade: Move
) -> None:
    items.sql_revision("events", ["DROP INDEX items_name"], [])
    insert, index = "INSERT INTO items VALUES (7, 'x') RETURNING id", "CREATE INDEX items_name ON items (name)"
    items.sql_revision("unread", [insert, index, "SELECT FROM ready", "INSERT INTO items VALUES (8, 'y')"], [])
    with pytest.raises(StatementFailedError, match="ready"):
        upgrade(items)
    connection = database.connect()
    connection.execute("CREATE TABLE ready ()")
    assert upgrade(items) == ["unread"]
    assert connection.execute("SELECT count(*) FROM items WHERE id > 5").fetchone() == (2,)


def test_a_temporary_table_that_went_with_the_session_is_not_missed_in_silence(
    items: Project, database: Database, upgrade: Move, downgrade: Move
) -> None:
    items.sql_revision("free", ["DROP INDEX items_name"], [])
    saved = "CREATE TEMP TABLE saved ON COMMIT DROP AS SELECT * FROM items"
    index, back = "CREATE INDEX items_name ON items (name)", "UPDATE items SET name = saved.name FROM saved"
    items.sql_revision("keeps", [saved, index, "SELECT FROM ready", back], ["DROP INDEX items_name"])
    with pytest.raises(StatementFailedError, match="ready"):
        upgrade(items)
    database.connect().execute("CREATE TABLE ready ()")
    with pytest.raises(ResultGoneError, match="saved"):
        upgrade(items)
    assert downgrade(items, "-1") == ["keeps"]
    assert upgrade(items) == ["keeps"]


def test_the_check_that_a_detached_partition_keeps_is_dropped_even_after_a_stop_right_behind_the_detaching(
    twin: Twin, monkeypatch: pytest.MonkeyPatch
) -> None:
    twin.project.sql_revision(
        "parts",
        [
            "CREATE TABLE parts (d int CHECK (d > -5)) PARTITION BY RANGE (d)",
            "CREATE TABLE part1 PARTITION OF parts FOR VALUES FROM (0) TO (10)",
            "INSERT INTO parts VALUES (1)",
        ],
        [],
    )
    twin.project.sql_revision("detach", ["ALTER TABLE parts DETACH PARTITION part1"], [])
    monkeypatch.setattr(AddedNames, "resolve", None)
    with pytest.raises(RevisionFileError):
        twin.move["upgrade"](twin.project)
    monkeypatch.undo()
    twin.upgrade("head")


LOOKING = """
inspector = sa.inspect(op.get_bind())
if not inspector.has_table("events"):
    op.create_table("events", sa.Column("id", sa.Integer))
if "size" not in [column["name"] for column in inspector.get_columns("items")]:
    op.add_column("items", sa.Column("size", sa.Integer))
if "items_size" not in [index["name"] for index in inspector.get_indexes("items")]:
    op.create_index("items_size", "items", ["size"])
op.execute("{failing}")
op.execute("UPDATE items SET size = coalesce(size, 0) + 1")
"""


@pytest.mark.parametrize(
    "failing", ["CREATE VIEW seen AS SELECT * FROM ready", "CREATE INDEX ready_id ON ready (id)"], ids=["view", "index"]
)
def test_a_revision_that_looks_before_it_makes_is_resumed(
    failing: str, items: Project, database: Database, upgrade: Move
) -> None:
    items.revision("looks", LOOKING.format(failing=failing), "pass")
    with pytest.raises(StatementFailedError, match="ready"):
        upgrade(items)
    connection = database.connect()
    connection.execute("CREATE TABLE ready AS SELECT 1 AS id")
    assert upgrade(items) == ["looks"]
    assert connection.execute("SELECT size FROM items").fetchall() == [(1,), (1,)]


def test_what_went_through_the_drivers_own_cursor_resumes_behind_the_last_piece(
    items: Project, database: Database, upgrade: Move
) -> None:
    body = """
        cursor = op.get_bind().connection.cursor()
        with cursor.copy("COPY items FROM STDIN") as copy:
            copy.write_row((7, "copied"))
        cursor.execute("CREATE INDEX items_both ON items (name, id)")
        cursor.execute("INSERT INTO items VALUES (8, 'sent')")
        cursor.execute("SELECT FROM ready")
    """
    items.revision("raw", body, "pass")
    with pytest.raises(StatementFailedError, match="ready"):
        upgrade(items)
    connection = database.connect()
    connection.execute("CREATE TABLE ready ()")
    assert upgrade(items) == ["raw"]
    assert connection.execute("SELECT id FROM items WHERE id > 5 ORDER BY id").fetchall() == [(7,), (8,)]


def test_a_concurrent_build_that_fails_in_an_autocommit_block_is_built_anew_behind_what_is_committed(
    items: Project, database: Database, upgrade: Move
) -> None:
    """Alembic alone leaves the INSERT committed, the version unstamped and an invalid index: a second try fails."""
    body = """
        op.execute("INSERT INTO items VALUES (3, 'two')")
        with op.get_context().autocommit_block():
            op.execute("CREATE UNIQUE INDEX CONCURRENTLY items_once ON items (name)")
        op.execute("INSERT INTO items VALUES (4, 'four')")
    """
    items.revision("once", body, "pass")
    with pytest.raises(StatementFailedError, match="items_once"):
        upgrade(items)
    connection = database.connect()
    connection.execute("UPDATE items SET name = 'three' WHERE id = 3")
    assert upgrade(items) == ["once"]
    assert connection.execute("SELECT id FROM items ORDER BY id").fetchall() == [(1,), (2,), (3,), (4,)]
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'items_once'::regclass"
    assert connection.execute(valid).fetchone() == (True,)
