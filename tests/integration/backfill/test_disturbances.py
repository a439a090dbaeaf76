"""A backfill next to an application that works on the same rows, and over a connection that breaks."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from migrator.backfill.worker import RowsLockedError
from migrator.engine.events import Event, RowProgress
from migrator.engine.stop import Stop
from migrator.errors import UnavailableError
from tests.integration.backfill.conftest import MakePlan
from tests.support.background import in_background
from tests.support.brake import Brake
from tests.support.polling import wait_until
from tests.support.project import Project
from tests.support.proxy import TcpProxy
from tests.support.sessions import blocker

ROWS = 350
COUNT = {"writes": "writes + 1"}
# A braked chunk may stand still for long without running into its own statement timeout.
PATIENT = {"chunk_target": "5s"}


@pytest.fixture(autouse=True)
def items(connection: psycopg.Connection) -> None:
    connection.execute(
        "CREATE TABLE items (id integer PRIMARY KEY, amount integer, copied integer, writes integer NOT NULL DEFAULT 0)"
    )
    connection.execute(f"INSERT INTO items SELECT n * 10, n FROM generate_series(1, {ROWS}) n")
    connection.execute("ANALYZE items")


def written(connection: psycopg.Connection) -> list[tuple[int, int]]:
    """Return how often rows were written, and how many."""
    return connection.execute("SELECT writes, count(*) FROM items GROUP BY 1 ORDER BY 1").fetchall()


def waiting(connection: psycopg.Connection) -> Callable[[], bool]:
    """Return a test of whether a session of ours waits for a row."""
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
        "AND application_name LIKE 'migrator backfill%'"
    )
    return lambda: connection.execute(query).fetchone() != (0,)


def reasons(events: list[Event]) -> set[str]:
    return {event.waiting for event in events if isinstance(event, RowProgress) and event.waiting}


def test_a_chunk_whose_commit_was_not_heard_of_is_not_repeated(
    connection: psycopg.Connection, project: Project, backfill: MakePlan, brake: Brake
) -> None:
    plan = backfill("items", {"writes": "writes + (braked(id = 1500))::integer"}, **PATIENT)
    direct = project.url
    with TcpProxy(project.url) as proxy:
        project.url = proxy.url
        with brake.standing(lambda: project.backfill(plan)) as run:
            proxy.cut(after_bytes=1)  # the answer to the chunk that stands still now
        with pytest.raises(UnavailableError) as lost:
            run.result()
    assert lost.value.exit_code == 4
    assert written(connection) == [(0, 150), (1, 200)], "the chunk was committed all the same"
    project.url = direct
    assert project.backfill(plan) == "complete"
    assert written(connection) == [(1, ROWS)]


def test_a_connection_lost_in_a_chunk_loses_that_chunk_only(
    connection: psycopg.Connection, project: Project, backfill: MakePlan, brake: Brake
) -> None:
    plan = backfill("items", {"writes": "writes + (braked(id = 1500))::integer"}, **PATIENT)
    with brake.standing(lambda: project.backfill(plan)) as run:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event = 'PgSleep'"
        )
        with pytest.raises(UnavailableError):
            run.result()
        assert written(connection) == [(0, 250), (1, 100)]
    assert project.backfill(plan) == "complete"
    assert written(connection) == [(1, ROWS)]


def test_rows_that_come_change_and_go_meanwhile_are_right_in_the_end(
    connection: psycopg.Connection, project: Project, backfill: MakePlan, brake: Brake
) -> None:
    plan = backfill("items", {"copied": "amount", "writes": "writes + (braked(id = 1500))::integer"}, **PATIENT)
    with brake.standing(lambda: project.backfill(plan)) as run:
        connection.execute("INSERT INTO items VALUES (5, 0), (2505, 0), (99999, 0)")
        connection.execute("UPDATE items SET amount = -1 WHERE id IN (50, 3000)")
        connection.execute("UPDATE items SET id = 3333 WHERE id = 3330")
        connection.execute("DELETE FROM items WHERE id IN (10, 3400, 3500)")
    assert run.result() == "complete"
    special = "SELECT id, copied, writes FROM items WHERE id IN (5, 50, 2505, 3000, 3333, 99999) ORDER BY 1"
    assert connection.execute(special).fetchall() == [
        (5, None, 0),  # behind the cursor: the dual write's business
        (50, 5, 1),
        (2505, 0, 1),
        (3000, -1, 1),
        (3333, 333, 1),
        (99999, None, 0),  # behind the end that was fixed at the start
    ]
    assert written(connection) == [(0, 2), (1, ROWS - 2)]


def test_a_row_deleted_while_its_chunk_runs_is_not_copied(
    connection: psycopg.Connection, project: Project, backfill: MakePlan, brake: Brake
) -> None:
    connection.execute("CREATE TABLE copies (item_id integer PRIMARY KEY, amount integer)")
    columns = {"item_id": "id", "amount": "amount"}
    plan = backfill("items", columns, into="copies", where="braked(id = 1010)", **PATIENT)
    with brake.standing(lambda: project.backfill(plan)) as run:
        connection.execute("DELETE FROM items WHERE id IN (1500, 3000)")
    assert run.result() == "complete"
    assert connection.execute("SELECT count(*) FROM copies").fetchone() == (ROWS - 2,)
    orphans = "SELECT item_id FROM copies EXCEPT SELECT id FROM items"
    assert connection.execute(orphans).fetchall() == []


def test_a_locked_row_is_waited_for_and_who_holds_it_is_named(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    plan = backfill("items", COUNT)
    with blocker(project.url, "UPDATE items SET amount = 7 WHERE id = 1500", application_name="report-runner") as held:
        with in_background(lambda: project.backfill(plan)) as run:
            wait_until(lambda: reasons(project.events), message="a reason for waiting")
            assert written(connection) == [(0, 250), (1, 100)]
            held.commit()
        assert run.result() == "complete"
    assert any("application report-runner" in reason for reason in reasons(project.events))
    assert written(connection) == [(1, ROWS)]
    assert connection.execute("SELECT amount FROM items WHERE id = 1500").fetchone() == (7,)


def test_a_row_that_stays_locked_ends_the_run_with_what_was_done_kept(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    plan = backfill("items", COUNT)
    with (
        blocker(project.url, "SELECT FROM items WHERE id = 1500 FOR UPDATE", application_name="report-runner"),
        pytest.raises(RowsLockedError) as refused,
    ):
        project.backfill(plan, lock_wait="1s")
    assert refused.value.exit_code == 4
    assert any("report-runner" in note for note in refused.value.notes)
    done = dict(written(connection))
    assert set(done) == {0, 1}
    assert done[1] < 150
    assert project.backfill(plan) == "complete"
    assert written(connection) == [(1, ROWS)]


def test_in_a_deadlock_the_application_wins_and_the_chunk_is_tried_again(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    plan = backfill("items", COUNT)
    with blocker(project.url, "UPDATE items SET amount = 7 WHERE id = 1500") as application:
        with in_background(lambda: project.backfill(plan)) as run:
            wait_until(waiting(connection), message="the backfill waits for the row")
            application.execute("UPDATE items SET amount = 8 WHERE id = 1010")
            application.commit()
        assert run.result() == "complete"
    changed = connection.execute("SELECT amount, writes FROM items WHERE id IN (1010, 1500) ORDER BY id")
    assert changed.fetchall() == [(8, 1), (7, 1)]
    assert written(connection) == [(1, ROWS)]


def test_a_stop_finishes_the_chunk_and_the_next_run_goes_on_behind_it(
    connection: psycopg.Connection, project: Project, backfill: MakePlan, brake: Brake
) -> None:
    plan = backfill("items", {"writes": "writes + (braked(id = 1500))::integer"}, **PATIENT)
    stop = Stop()
    with brake.standing(lambda: project.backfill(plan, stop=stop)) as run:
        stop.request()
    assert run.result() == "stopped"
    assert written(connection) == [(0, 150), (1, 200)]
    assert project.backfill(plan) == "complete"
    assert written(connection) == [(1, ROWS)]


def test_a_second_stop_cancels_the_chunk(
    connection: psycopg.Connection, project: Project, backfill: MakePlan, brake: Brake
) -> None:
    plan = backfill("items", {"writes": "writes + (braked(id = 1500))::integer"}, **PATIENT)
    stop = Stop()
    with brake.standing(lambda: project.backfill(plan, stop=stop)) as run:
        stop.request()
        stop.request()
        assert run.result(timeout=10) == "stopped"
        assert written(connection) == [(0, 250), (1, 100)]
    assert project.backfill(plan) == "complete"
    assert written(connection) == [(1, ROWS)]
