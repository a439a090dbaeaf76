"""A revision next to sessions that hold what it needs: it waits shortly, says for whom, and lets others pass."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from migrator.check.live import LARGE
from migrator.engine import holding
from migrator.engine.events import LockRetry
from migrator.plan import Plan
from migrator.revisions.builds import BuildDeadlineError
from migrator.revisions.errors import LockTimeoutError
from tests.support.background import in_background
from tests.support.content import content_of
from tests.support.databases import Database
from tests.support.polling import wait_until
from tests.support.project import Project
from tests.support.sessions import blocker

READING = "SELECT count(*) FROM items"
WRITING = "UPDATE items SET amount = 0 WHERE id = 1"
OLD_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT"
PLAN = "expand: [revision: r1]"

pytestmark = pytest.mark.usefixtures("items")


@pytest.fixture
def adding(project: Project) -> Plan:
    """A revision that logs, and then needs the table for an instant."""
    project.sql_revision(
        "r1",
        ["INSERT INTO log VALUES ('r1')", "ALTER TABLE items ADD COLUMN label text"],
        ["ALTER TABLE items DROP COLUMN label", "DELETE FROM log"],
    )
    return project.plan("adding", PLAN)


@pytest.fixture
def indexing(project: Project) -> Plan:
    project.sql_revision("r1", ["CREATE INDEX items_amount ON items (amount)"], ["DROP INDEX items_amount"])
    return project.plan("indexing", PLAN)


def retries(project: Project) -> list[LockRetry]:
    return [event for event in project.events if isinstance(event, LockRetry)]


def test_a_lock_that_is_not_to_be_had_ends_the_run_with_nothing_half_done(
    connection: psycopg.Connection, project: Project, adding: Plan
) -> None:
    before = content_of(connection)
    with blocker(project.url, READING, application_name="report-runner") as session:
        pid = session.info.backend_pid
        with pytest.raises(LockTimeoutError) as refused:
            project.apply(adding, lock_wait="2s", lock_timeout="1200ms")
    assert refused.value.exit_code == 4
    (note,) = [note for note in refused.value.notes if note.startswith("blocked by")]
    for word in (f"pid {pid}", "application report-runner", "idle in transaction for "):
        assert word in note
    assert content_of(connection) == before
    assert retries(project)
    for retry in retries(project):
        (blocking,) = retry.blockers
        assert (blocking.pid, blocking.state) == (pid, "idle in transaction")
        assert blocking.age > 0
    assert project.apply(adding) == "complete"


def test_a_lock_that_becomes_free_is_taken(connection: psycopg.Connection, project: Project, adding: Plan) -> None:
    with blocker(project.url, READING) as session, in_background(lambda: project.apply(adding)) as run:
        wait_until(lambda: retries(project), message="a try that got no lock")
        session.commit()
    assert run.result() == "complete"
    assert connection.execute("SELECT what FROM log").fetchall() == [("r1",)]


def test_the_application_is_held_up_for_no_longer_than_the_lock_timeout(
    database: Database, project: Project, adding: Plan
) -> None:
    with (
        blocker(project.url, READING) as session,
        in_background(lambda: project.apply(adding, lock_timeout="600ms")) as run,
        database.connect() as reader,
    ):
        longest = 0.0
        while len(retries(project)) < 3:
            started = time.monotonic()
            reader.execute(READING)
            longest = max(longest, time.monotonic() - started)
        session.commit()
    assert run.result() == "complete"
    assert longest < 0.7


def test_a_statement_that_holds_up_many_sessions_is_cancelled_before_its_timeout(
    database: Database, project: Project, adding: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "HOLD_UP", 3)
    waiting = (
        "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
        "WHERE NOT granted AND mode = 'AccessExclusiveLock' AND datname = current_database()"
    )
    with (
        blocker(project.url, READING) as session,
        in_background(lambda: project.apply(adding, lock_timeout="1h")) as run,
        ThreadPoolExecutor(3) as pool,
    ):
        watching = database.connect()
        wait_until(lambda: watching.execute(waiting).fetchone() == (1,), message="our statement waits")
        readers = [pool.submit(database.connect().execute, READING) for _ in range(3)]
        for reader in readers:
            assert reader.result(timeout=10).fetchone() == (200,)
        wait_until(lambda: retries(project), message="a retry")
        session.commit()
    assert run.result() == "complete"


@pytest.mark.parametrize("standing_in_the_way", [OLD_SNAPSHOT, WRITING], ids=["old snapshot", "open write"])
def test_a_build_that_cannot_finish_ends_at_its_deadline_and_leaves_no_index_in_the_way(
    connection: psycopg.Connection, project: Project, indexing: Plan, standing_in_the_way: str
) -> None:
    started = time.monotonic()
    with (
        blocker(project.url, standing_in_the_way, application_name="report-runner"),
        pytest.raises(BuildDeadlineError) as late,
    ):
        project.apply(indexing, build_wait="500ms", lock_timeout="300ms")
    assert time.monotonic() - started < 10
    assert late.value.exit_code == 4
    assert any("report-runner" in note for note in late.value.notes)
    assert project.apply(indexing) == "complete"
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'items_amount'::regclass"
    assert connection.execute(valid).fetchone() == (True,)


def test_a_build_may_wait_longer_than_the_lock_timeout(project: Project, indexing: Plan) -> None:
    with (
        blocker(project.url, OLD_SNAPSHOT) as session,
        in_background(lambda: project.apply(indexing, lock_timeout="50ms")) as run,
    ):
        wait_until(lambda: [event for event in project.events if event.name == "build-progress"], message="a report")
        session.commit()
    assert run.result() == "complete"


def test_sessions_that_a_killed_run_left_behind_are_ended(project: Project, adding: Plan) -> None:
    left = psycopg.connect(project.url, application_name="migrator apply adding")
    left.execute("LOCK TABLE items")
    with left, blocker(project.url, "SELECT FROM owners", application_name="migrator-dashboard") as other:
        assert project.apply(adding) == "complete"
        assert retries(project) == []
        assert other.execute("SELECT 1").fetchone() == (1,)
        with pytest.raises(psycopg.errors.AdminShutdown):
            left.execute("SELECT 1")


@pytest.mark.parametrize(
    ("before", "work"),
    [
        ("ALTER TABLE items ADD COLUMN label text", "INSERT INTO log SELECT held(amount) FROM items"),
        (
            "ALTER TABLE items ADD CONSTRAINT few CHECK (held(amount) <> '') NOT VALID",
            "ALTER TABLE items VALIDATE CONSTRAINT few",
        ),
    ],
)
def test_work_on_many_rows_does_not_begin_while_a_lock_is_held(
    connection: psycopg.Connection, project: Project, before: str, work: str
) -> None:
    """`held` waits for an advisory lock of the test's, so that the work lasts until the application has been served."""
    connection.execute(
        "CREATE FUNCTION held(integer) RETURNS text LANGUAGE plpgsql AS "
        "$$ BEGIN IF $1 <> 0 THEN PERFORM pg_advisory_xact_lock_shared(4711); END IF; RETURN $1::text; END $$"
    )
    connection.execute(f"INSERT INTO items (id, amount) SELECT n, n FROM generate_series(1000, 1000 + {LARGE}) n")
    project.sql_revision("r1", [before, work], ["SELECT 1"])
    plan = project.plan("working", PLAN)
    connection.execute("SELECT pg_advisory_lock(4711)")
    with in_background(lambda: project.apply(plan)) as run:
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted"
        wait_until(lambda: connection.execute(waiting).fetchone() == (1,), message="the work has begun")
        with psycopg.connect(project.url, autocommit=True, options="-c lock_timeout=200") as application:
            application.execute(READING)
            application.execute(WRITING)
        connection.execute("SELECT pg_advisory_unlock(4711)")
        run.result(30)
