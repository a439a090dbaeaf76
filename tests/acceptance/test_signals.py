"""What a person at the terminal, or a pipeline that is told to stop, gets from a signal."""

from __future__ import annotations

import json
import signal
import time

import pytest

from tests.acceptance.sizes import state_of
from tests.support.cli import CliProcess
from tests.support.databases import Database
from tests.support.polling import wait_until
from tests.support.project import Project
from tests.support.sessions import blocker

# The subquery is computed once for each chunk, so that a chunk lasts as long as the table `pace` says.
SLOW_PLAN = """
expand:
  - revision: aa01
migrate:
  - backfill:
      table: items
      set: {size: "length(name) + (SELECT count(*) FROM (SELECT pg_sleep(seconds) FROM pace) AS slept)"}
      where: size IS NULL
      chunk_rows: 100
      chunk_target: 1m
      fixed: true
"""
CHUNK = 100
SLOW_CHUNK = """
    SELECT count(*) > 0 FROM pg_stat_activity
    WHERE wait_event = 'PgSleep' AND datname = current_database() AND query_start < now() - interval '1s'
"""


@pytest.fixture
def slow(project: Project, items: Database) -> Project:
    """A project whose backfill takes its time."""
    project.plan("sizes", SLOW_PLAN)
    items.connect().execute("CREATE TABLE pace AS SELECT 0.4::float8 AS seconds; ANALYZE pace")
    return project


def set_pace(database: Database, seconds: float) -> None:
    database.connect().execute("UPDATE pace SET seconds = %s", [seconds])


def filled(database: Database) -> tuple[int, int]:
    """Return how many rows are filled, and how many the ledger says were."""
    row = (
        database.connect()
        .execute("SELECT (SELECT count(size) FROM items), (SELECT rows_done FROM migrator.slices)")
        .fetchone()
    )
    assert row
    return row


def wait_for_first_chunk(process: CliProcess) -> None:
    process.wait_for(r'"event": ?"rows".*"rows_done": ?100\b')


@pytest.mark.parametrize(("what", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_lets_the_chunk_finish_and_the_same_command_goes_on_behind_it(
    slow: Project, items: Database, what: signal.Signals, exit_code: int
) -> None:
    with slow.start("apply", "sizes", "--format", "json") as running:
        wait_for_first_chunk(running)
        running.send(what)
        assert running.wait() == exit_code
    done, noted = filled(items)
    assert done == noted
    assert done in (CHUNK, 2 * CHUNK)
    error = json.loads(running.stdout.splitlines()[-1])["error"]
    assert (error["code"], error["exit_code"]) == ("MG700", exit_code)
    assert error["help"] == "to go on: migrator apply sizes"
    assert "Traceback" not in running.stderr
    (run,) = json.loads(slow.run("status", "sizes", "--format", "json").stdout)["runs"]
    assert (run["state"], run["next_command"]) == ("stopped", "migrator apply sizes")

    set_pace(items, 0)
    assert slow.run("apply", "sizes").returncode == 0
    assert filled(items) == (500, 500)


def test_a_second_ctrl_c_cancels_the_chunk_at_once(slow: Project, items: Database) -> None:
    with slow.start("apply", "sizes", "--format", "json") as running:
        wait_for_first_chunk(running)
        set_pace(items, 50)
        looking = items.connect()
        wait_until(lambda: looking.execute(SLOW_CHUNK).fetchone() == (True,), message="a slow chunk to begin")
        running.send(signal.SIGINT)
        running.wait_for("press Ctrl-C again")
        asked = time.monotonic()
        running.send(signal.SIGINT)
        assert running.wait() == 130
        assert time.monotonic() - asked < 10
    done, noted = filled(items)
    assert done == noted
    assert "Traceback" not in running.stderr
    set_pace(items, 0)
    assert slow.run("apply", "sizes").returncode == 0
    assert filled(items) == (500, 500)


def test_a_ctrl_c_ends_the_wait_for_a_lock_at_once_and_nothing_is_changed(slow: Project, items: Database) -> None:
    content, _ = state_of(items)
    with blocker(items.url, "LOCK TABLE items"), slow.start("apply", "sizes") as running:
        running.wait_for("could not lock")
        asked = time.monotonic()
        running.send(signal.SIGINT)
        assert running.wait() == 130
        assert time.monotonic() - asked < 10
    assert "stopped[MG700]" in running.stderr
    assert state_of(items)[0] == content


def test_where_a_run_stands_can_be_asked_while_it_runs(slow: Project, items: Database) -> None:
    with slow.start("apply", "sizes", "--format", "json") as running:
        wait_for_first_chunk(running)
        set_pace(items, 50)
        asked = slow.run("status", "sizes", "--format", "json")
        assert running.running()
    assert asked.returncode == 0, asked.stderr
    (run,) = json.loads(asked.stdout)["runs"]
    assert (run["state"], run["phase"]) == ("running", "migrate")
    assert run["held_by"]["application"] == "migrator apply sizes (lock)"
    revision, backfill = run["steps"]
    assert (revision["state"], backfill["state"]) == ("done", "running")
    assert CHUNK <= backfill["rows_done"] < backfill["rows_total"]
