"""After a failover to a standby that was behind, the cursor is where the rows are, and the backfill goes on there."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from migrator.postgres.connect import ConnectionLostError
from tests.support.background import in_background
from tests.support.polling import wait_until
from tests.support.project import Project
from tests.support.servers import ServerMaker

ROWS = 5_000
DONE = "SELECT count(*) FROM items WHERE writes > 0"
PLAN = """
migrate:
  - backfill:
      table: items
      set: {writes: "writes + 1 + (SELECT count(*)::int * 0 FROM (SELECT pg_sleep(0.02)) AS slept)"}
      chunk_rows: 100
      fixed: true
      irreversible: a test
"""


def test_a_backfill_goes_on_exactly_once_on_a_standby_that_was_behind(servers: ServerMaker, tmp_path: Path) -> None:
    primary = servers.server()
    standby = servers.replica(primary)
    with primary.connect() as connection:
        connection.execute("CREATE TABLE items (id integer PRIMARY KEY, writes integer NOT NULL DEFAULT 0)")
        connection.execute(f"INSERT INTO items SELECT n FROM generate_series(1, {ROWS}) n")
    project = Project(tmp_path, primary.url)
    plan = project.plan("count", PLAN)

    def done(connection: psycopg.Connection) -> int:
        row = connection.execute(DONE).fetchone()
        assert row
        return int(row[0])

    with in_background(lambda: project.backfill(plan)) as run:
        with standby.connect() as looking:
            wait_until(lambda: looking.execute("SELECT to_regclass('items')").fetchone() != (None,))
            wait_until(lambda: done(looking) >= 500)
            looking.execute("ALTER SYSTEM SET primary_conninfo = ''")
            looking.execute("SELECT pg_reload_conf()")
            wait_until(lambda: looking.execute("SELECT count(*) FROM pg_stat_wal_receiver").fetchone() == (0,))
        with primary.connect() as looking:
            ahead = done(looking) + 500
            wait_until(lambda: done(looking) >= ahead)
        primary.kill_immediate()
        with pytest.raises(ConnectionLostError):
            run.result()
    with standby.connect() as connection:
        connection.execute("SELECT pg_promote()")
        assert 500 <= done(connection) < ahead
        project.url = standby.url
        assert project.backfill(plan) == "complete"
        assert connection.execute("SELECT DISTINCT writes FROM items").fetchall() == [(1,)]
