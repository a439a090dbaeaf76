"""A backfill waits for a standby that is too far behind, says so, and goes on when it has caught up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from migrator.engine.events import RowProgress
from migrator.plan import Plan
from tests.support.background import in_background
from tests.support.polling import wait_until
from tests.support.project import Project
from tests.support.servers import OwnServer, ServerMaker, Standby

ROWS = 30_000
LIMIT = 1 << 20
CHUNK_WAL = 200_000  # bytes of WAL that a chunk of 500 such rows surely stays below
LAG = """
    SELECT max(pg_wal_lsn_diff(pg_current_wal_insert_lsn(), replay_lsn))::bigint FROM pg_stat_replication
"""


@pytest.fixture
def primary(servers: ServerMaker) -> OwnServer:
    return servers.server()


@pytest.fixture
def standby(servers: ServerMaker, primary: OwnServer) -> Standby:
    return servers.replica(primary)


@pytest.fixture
def connection(primary: OwnServer) -> Iterator[psycopg.Connection]:
    with primary.connect() as connection:
        connection.execute("CREATE TABLE t (id bigint PRIMARY KEY, b int)")
        connection.execute("INSERT INTO t SELECT g FROM generate_series(1, %s) g", (ROWS,))
        yield connection


@pytest.fixture
def project(tmp_path: Path, primary: OwnServer) -> Project:
    return Project(tmp_path, primary.url)


def planned(project: Project, throttle: str, value: str = "id") -> Plan:
    return project.plan(
        "lag",
        f"""\
        migrate:
          - backfill:
              table: t
              set: {{b: "{value}"}}
              irreversible: a test
              chunk_rows: 500
              fixed: true
              throttle: {{{throttle}}}
        """,
    )


def test_a_backfill_waits_for_a_lagging_standby_by_time_and_by_bytes(
    standby: Standby, connection: psycopg.Connection, project: Project
) -> None:
    """The work stops within one chunk, says why, and goes on."""
    # A chunk takes so long that the rows are not all done before the standby is late.
    slowly = "id + (SELECT count(*) FROM (SELECT pg_sleep(0.02)) AS slept)"
    plan = planned(project, "replica_lag: {time: 300ms, bytes: 400MB}", slowly)
    standby.pause_replay()
    with in_background(lambda: project.backfill(plan)):
        wait_until(lambda: any(" s > 0.3 s" in reason for reason in reasons(project)))
        assert done(connection) < ROWS
        standby.resume_replay()
        wait_until(lambda: done(connection) == ROWS, timeout=90)
    assert all(reason.startswith("replica_lag of ") for reason in reasons(project))


def test_lag_in_bytes_never_exceeds_the_limit_by_more_than_one_chunk(
    standby: Standby, connection: psycopg.Connection, project: Project
) -> None:
    plan = planned(project, "replica_lag: 1MB")
    wait_until(lambda: int(one(connection, LAG)) == 0)
    standby.pause_replay()
    with in_background(lambda: project.backfill(plan)):
        wait_until(lambda: any(" > 1.0 MB" in reason for reason in reasons(project)))
        assert LIMIT < int(one(connection, LAG)) <= LIMIT + CHUNK_WAL
        assert 0 < done(connection) < ROWS
        standby.resume_replay()
        wait_until(lambda: done(connection) == ROWS, timeout=90)


def test_a_standby_that_is_lost_holds_the_work_until_it_is_back(
    standby: Standby, connection: psycopg.Connection, project: Project
) -> None:
    plan = planned(project, f"replica_lag: {{time: 10m, standbys: [{standby.data.parent.name.replace('-', '_')}]}}")
    standby.stop()
    wait_until(lambda: one(connection, LAG) is None)
    with in_background(lambda: project.backfill(plan)):
        wait_until(lambda: any("is not connected) > readable" in reason for reason in reasons(project)))
        assert done(connection) == 0
        standby.start()
        wait_until(lambda: done(connection) == ROWS, timeout=90)


def one(connection: psycopg.Connection, statement: str) -> int:
    row = connection.execute(statement).fetchone()  # type: ignore[call-overload]  # a constant of this file
    value: int = row[0]
    return value


def reasons(project: Project) -> list[str]:
    events = list(project.events)
    return [event.waiting for event in events if isinstance(event, RowProgress) and event.waiting]


def done(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT coalesce(sum(rows_done), 0) FROM migrator.slices").fetchone()
    assert row
    return int(row[0])
