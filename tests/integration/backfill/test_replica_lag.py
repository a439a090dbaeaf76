"""A backfill waits for a standby that is too far behind, says so, and goes on when it has caught up."""

from __future__ import annotations

from pathlib import Path

import psycopg

from migrator.engine.events import RowProgress
from tests.support.background import in_background
from tests.support.polling import wait_until
from tests.support.project import Project
from tests.support.servers import ServerMaker


def test_a_backfill_waits_for_a_lagging_standby(servers: ServerMaker, tmp_path: Path) -> None:
    primary = servers.server()
    standby = servers.replica(primary)
    with psycopg.connect(primary.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id bigint PRIMARY KEY, a int)")
        connection.execute("INSERT INTO t SELECT g FROM generate_series(1, 100000) g")
        project = Project(tmp_path, primary.url)
        project.sql_revision("1111", ["ALTER TABLE t ADD COLUMN b int"], ["ALTER TABLE t DROP COLUMN b"])
        plan = project.plan(
            "lag",
            """\
            expand:
              - revision: "1111"
            migrate:
              - backfill:
                  table: t
                  set: {b: id}
                  chunk_rows: 100
                  fixed: true
                  throttle: {replica_lag: 300ms}
            """,
        )
        standby.pause_replay()
        with in_background(lambda: project.apply(plan)):
            wait_until(lambda: any("replica_lag" in waiting for waiting in reasons(project)))
            standing = done(connection)
            assert standing < 100_000
            standby.resume_replay()
            wait_until(lambda: done(connection) == 100_000, timeout=90)
    assert all(" > 0.3 s" in reason or " > 0.24 s" in reason for reason in reasons(project))


def reasons(project: Project) -> list[str]:
    events = list(project.events)
    return [event.waiting for event in events if isinstance(event, RowProgress) and event.waiting]


def done(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT coalesce(sum(rows_done), 0) FROM migrator.slices").fetchone()
    assert row
    return int(row[0])
