"""A run obeys within one chunk what is asked of it from another terminal."""

from __future__ import annotations

import psycopg
import pytest

from migrator.engine import control
from migrator.engine.control import BadControlError, NoRunError, read_settings
from migrator.engine.events import Paused, RowProgress
from migrator.engine.reports import StepStatus
from migrator.engine.status import status
from migrator.plan import Plan
from tests.integration.backfill.conftest import MakePlan
from tests.support.background import in_background
from tests.support.polling import wait_until
from tests.support.project import Project

ROWS = 4000
# The subquery is computed once for each chunk, which therefore takes a tenth of a second.
SLOWLY = {"writes": "writes + (SELECT count(*) FROM (SELECT pg_sleep(0.1)) AS slept)::integer"}


@pytest.fixture(autouse=True)
def items(connection: psycopg.Connection) -> None:
    connection.execute("CREATE TABLE items (id integer PRIMARY KEY, writes integer NOT NULL DEFAULT 0)")
    connection.execute(f"INSERT INTO items SELECT n FROM generate_series(1, {ROWS}) n")
    connection.execute("ANALYZE items")


def chunks(connection: psycopg.Connection) -> int:
    found = connection.execute("SELECT count(*) / 100 FROM items WHERE writes > 0").fetchone()
    return int((found or (0,))[0])


def begun(connection: psycopg.Connection) -> None:
    wait_until(lambda: chunks(connection) > 0, message="the first chunk")


def last(project: Project) -> RowProgress:
    return [event for event in project.events if isinstance(event, RowProgress)][-1]


def asked(project: Project, what: str, plan: Plan) -> None:
    with project.target(what) as target:
        getattr(control, what)(target, plan)


def changed(project: Project, plan: Plan, *assignments: str) -> None:
    with project.target("set") as target:
        control.change(target, plan, read_settings(assignments))


def test_another_terminal_sees_how_fast_it_goes_and_why_it_waits(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    plan = backfill("items", SLOWLY)

    def step() -> StepStatus:
        with project.target("status") as target:
            return status(target, [plan]).runs[0].steps[0]

    with in_background(lambda: project.backfill(plan)) as run:
        begun(connection)
        wait_until(lambda: step().rows_per_second)
        seen = step()
        assert seen.rows_total == ROWS
        assert seen.rows_per_second
        assert 100 < seen.rows_per_second < 1000
        assert seen.eta
        asked(project, "pause", plan)
        wait_until(lambda: "paused by" in step().waiting)
        asked(project, "resume", plan)
        changed(project, plan, "workers=8")
        run.result()
    assert step().rows_per_second is None


def test_a_paused_run_stands_still_within_a_chunk_says_so_and_goes_on_when_resumed(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    plan = backfill("items", SLOWLY, workers=2)
    with in_background(lambda: project.backfill(plan)) as run:
        begun(connection)
        asked(project, "pause", plan)
        before = chunks(connection)
        wait_until(lambda: "paused by" in last(project).waiting, message="both workers say that they are paused")
        wait_until(lambda: not last(project).waiting.startswith("1 of"), message="both workers stand still")
        stood = chunks(connection)
        assert stood <= before + 2 * 2, "each worker finishes its chunk and begins none, but for one that had looked"
        with project.target("status") as target:
            (found,) = status(target, [plan]).runs
        assert found.state == "running"
        assert found.held_by
        assert "paused by" in found.paused
        assert found.next_command == "migrator resume fill"
        asked(project, "resume", plan)
        wait_until(lambda: chunks(connection) > stood, message="it goes on")
        changed(project, plan, "workers=8")
        assert run.result() == "complete"
    assert connection.execute("SELECT DISTINCT writes FROM items").fetchall() == [(1,)]


def test_a_run_that_is_begun_while_paused_stands_still_before_its_step(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    plan = backfill("items", SLOWLY, workers=8)
    with in_background(lambda: project.backfill(plan)) as run:
        begun(connection)
        asked(project, "cancel", plan)
        assert run.result() == "stopped"
    asked(project, "pause", plan)
    stood = chunks(connection)
    with in_background(lambda: project.backfill(plan)) as run:
        wait_until(lambda: any(isinstance(event, Paused) for event in project.events), message="it says it is paused")
        assert chunks(connection) == stood
        asked(project, "resume", plan)
        assert run.result() == "complete"
    assert connection.execute("SELECT DISTINCT writes FROM items").fetchall() == [(1,)]


def test_workers_come_and_go_and_chunks_change_their_size_while_it_runs(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    plan = backfill("items", SLOWLY, fixed=False, chunk_target="100ms")
    with in_background(lambda: project.backfill(plan)) as run:
        begun(connection)
        assert last(project).chunk_rows <= 200
        changed(project, plan, "workers=3", "chunk_target=300ms")
        wait_until(lambda: last(project).workers == 3, message="two more workers")
        wait_until(lambda: last(project).chunk_rows > 200, message="larger chunks")
        changed(project, plan, "workers=1")
        wait_until(lambda: last(project).workers == 1, message="two workers less")
        with project.target("status") as target:
            assert status(target, [plan]).runs[0].settings == {"workers": 1, "chunk_target": 0.3}
        assert run.result() == "complete"
    assert connection.execute("SELECT DISTINCT writes FROM items").fetchall() == [(1,)]


def test_a_nice_run_rests_after_each_chunk(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    plan = backfill("items", SLOWLY)
    with in_background(lambda: project.backfill(plan)) as run:
        begun(connection)
        changed(project, plan, "nice=100")
        resting = (
            "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
        )
        idle = 0
        while idle < 20:
            idle = 0 if connection.execute(resting).fetchone() == (True,) else idle + 1
            connection.execute("SELECT pg_sleep(0.02)")
        asked(project, "cancel", plan)
        assert run.result() == "stopped"


def test_what_cannot_be_controlled_is_said_to_be_so(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    plan = backfill("items", {"writes": "writes + 1"})
    with pytest.raises(NoRunError, match="has no run"):
        asked(project, "pause", plan)
    project.backfill(plan)
    for what in ("pause", "resume", "cancel"):
        with pytest.raises(NoRunError, match="is complete"):
            asked(project, what, plan)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("worker=2", "cannot be set"),
        ("workers", "cannot be set"),
        ("workers=0", "from 1 to 64"),
        ("workers=many", "from 1 to 64"),
        ("chunk_target=5", "chunk_target"),
        ("chunk_target=0s", "chunk_target"),
        ("nice=-1", "from 0 to 100"),
        ("nice=101", "from 0 to 100"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(text: str, says: str) -> None:
    with pytest.raises(BadControlError, match=says):
        read_settings([text])


def test_the_commands_do_it(connection: psycopg.Connection, project: Project, backfill: MakePlan) -> None:
    plan = backfill("items", SLOWLY)
    with project.start("backfill", "fill", "--format", "json") as running:
        running.wait_for(r'"rows_done": ?100\b')
        asked(project, "pause", plan)  # at once: the command takes a second to start
        assert project.run("pause", "fill").returncode == 0
        running.wait_for(r'"waiting": ?"paused by ')
        assert project.run("set", "fill", "workers=8", "nice=0").returncode == 0
        assert project.run("set", "fill", "workers=99").returncode == 2
        assert project.run("resume", "fill").returncode == 0
        assert running.wait() == 0
    assert project.run("pause", "fill").returncode == 5
