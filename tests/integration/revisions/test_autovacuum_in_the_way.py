"""A vacuum that is under way, as it is after every large backfill, does not make the application wait behind us."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrator.engine.events import LockRetry
from tests.support.polling import wait_until
from tests.support.project import Project
from tests.support.servers import OwnServer, ServerMaker

VACUUMS = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker' AND query LIKE '%items%'"


@pytest.fixture
def server(servers: ServerMaker) -> OwnServer:
    """A server that vacuums the table `items` right now, and will for minutes."""
    server = servers.server(settings={"autovacuum_naptime": "1s"})
    with server.connect() as connection:
        connection.execute(
            "CREATE TABLE items (id int PRIMARY KEY, note text) WITH (autovacuum_vacuum_threshold = 0,"
            " autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)"
        )
        connection.execute("INSERT INTO items SELECT n, repeat('x', 200) FROM generate_series(1, 20000) AS n")
        connection.execute("UPDATE items SET note = ''")
        wait_until(lambda: connection.execute(VACUUMS).fetchone() != (0,), message="a vacuum of items")
    return server


def test_a_vacuum_makes_way_before_the_first_try_is_over(server: OwnServer, tmp_path: Path) -> None:
    project = Project(tmp_path, server.url)
    project.sql_revision("a1", ["ALTER TABLE items ADD COLUMN more text"], ["ALTER TABLE items DROP COLUMN more"])
    plan = project.plan("more", "expand:\n  - revision: a1\n")

    assert project.apply(plan) == "complete"
    assert not [event for event in project.events if isinstance(event, LockRetry)]


def test_a_vacuum_makes_way_for_the_triggers_of_a_dual_write(server: OwnServer, tmp_path: Path) -> None:
    """PostgreSQL's own patience is twice the lock timeout that is given here."""
    project = Project(tmp_path, server.url)
    with server.connect() as connection:
        connection.execute("ALTER TABLE items ADD COLUMN shout text")
        wait_until(lambda: connection.execute(VACUUMS).fetchone() != (0,), message="another vacuum of items")
    plan = project.plan(
        "shout",
        "expand:\n  - dual_write:\n      table: items\n      forward: {shout: upper(note)}\n"
        "      backward: {note: lower(shout)}\n",
    )

    assert project.apply(plan, lock_timeout="500ms", lock_wait="10s") == "complete"
    assert not [event for event in project.events if isinstance(event, LockRetry)]
