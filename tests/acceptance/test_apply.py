"""The story of a plan, told by the commands that a person or a pipeline types."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from migrator.engine.events import Event
from tests.acceptance.sizes import state_of
from tests.support.cli import ROOT
from tests.support.databases import Database
from tests.support.project import Project

COMMON_KEYS = {"version", "event", "at"}
STEP_KEYS = {"phase", "index", "count", "kind", "title"}
DOCUMENTED = {
    "run-started": {"plan", "run", "direction", "to", "steps_done", "steps_total", "resumed"},
    "run-finished": {"plan", "run", "state", "phase", "seconds"},
    "step-started": {"step", "attempt", "undo"},
    "step-finished": {"step", "seconds", "detail", "undo"},
    "statement": {"step", "sql", "lock", "relation", "online", "milliseconds"},
    "rows": {"step", "rows_done", "rows_total", "rows_per_second", "chunk_rows", "chunk_seconds", "waiting"},
    "gate": {"step", "plan", "gate"},
}
CATALOG = """
    SELECT 'relation', oid::regclass::text, reltuples::text FROM pg_class WHERE relnamespace >= 16384
        OR relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'function', oid::text, proname FROM pg_proc WHERE oid >= 16384
    UNION ALL SELECT 'schema', oid::text, nspname FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp'
"""


def events_of(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def states_of(project: Project) -> list[str]:
    """Return the state of each step as `status` tells it, having looked at the documented keys."""
    done = project.run("status", "sizes", "--format", "json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    (run,) = answer["runs"]
    assert answer["version"] == 1
    assert {"plan", "phase", "state", "steps"} <= run.keys()
    for step in run["steps"]:
        assert {"kind", "state", "rows_done", "rows_total"} <= step.keys()
    return [step["state"] for step in run["steps"]]


def test_a_plan_runs_to_its_gate_and_once_approved_to_its_end(project: Project, items: Database) -> None:
    first = project.run("apply", "sizes")
    assert first.returncode == 3
    assert "waiting[MG501]: sizes stands at a gate: the release that reads items.size is live" in first.stderr
    assert "migrator approve sizes" in first.stderr.partition("help:")[2]
    assert "expand 1/2 revision aa01: done in" in first.stderr
    assert states_of(project) == ["done"] * 4 + ["waiting", "pending"]

    again = project.run("apply", "sizes")
    assert again.returncode == 3, "the gate stays closed until somebody approves"

    approved = project.run("approve", "sizes", "--by", "ann", "--note", "release 42")
    assert (approved.returncode, approved.stderr) == (0, "")

    last = project.run("apply", "sizes")
    assert last.returncode == 0, last.stderr
    assert last.stdout == "sizes: complete\n"
    assert items.connect().execute("SELECT * FROM items WHERE id = 13").fetchone() == (13, 6)

    before = state_of(items)
    nothing = project.run("apply", "sizes")
    assert (nothing.returncode, nothing.stdout) == (0, "sizes: complete\n")
    after = state_of(items)
    assert after[0] == before[0]
    assert after[1]["steps"] == before[1]["steps"]
    history = project.run("history", "sizes").stdout
    assert "ann" in history
    assert "release 42" in history


def test_a_plan_and_its_rollback_tell_a_program_one_object_a_line(project: Project) -> None:
    seen: set[str] = set()
    commands = [["apply", "sizes"], ["approve", "sizes"], ["apply", "sizes"], ["rollback", "sizes", "--yes"]]
    for command, exit_code in zip(commands, [3, 0, 0, 0], strict=True):
        done = project.run(*command, "--format", "json")
        assert done.returncode == exit_code, done.stderr
        events = events_of(done)
        assert {event["version"] for event in events} == {1}
        for event in events:
            if keys := DOCUMENTED.get(event.get("event", "")):
                assert keys | COMMON_KEYS <= event.keys(), event
                assert event.get("step", dict.fromkeys(STEP_KEYS)).keys() >= STEP_KEYS
                seen.add(event["event"])
        if exit_code == 3:
            assert events[-1]["error"]["code"] == "MG501"
            assert events[-1]["error"]["exit_code"] == 3
    assert seen == DOCUMENTED.keys()
    assert DOCUMENTED.keys() <= {kind.name for kind in Event.__subclasses__()}


def test_apply_goes_no_further_than_the_phase_it_is_told(project: Project) -> None:
    assert project.run("apply", "sizes", "--to", "expand").returncode == 0
    assert states_of(project) == ["done"] * 2 + ["pending"] * 4
    assert project.run("apply", "sizes", "--to", "migrate").returncode == 3
    project.run("approve", "sizes")
    assert project.run("apply", "sizes", "--to", "migrate").returncode == 0
    assert states_of(project) == ["done"] * 5 + ["pending"]


def test_a_backfill_by_itself_does_its_steps_and_no_others(project: Project, items: Database) -> None:
    assert project.run("apply", "sizes", "--to", "expand").returncode == 0
    done = project.run("backfill", "sizes")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "sizes: in progress in migrate; next: migrator apply sizes\n"
    assert states_of(project) == ["done"] * 3 + ["pending"] * 3
    assert items.connect().execute("SELECT count(*) FROM items WHERE size IS NULL").fetchone() == (0,)


def test_the_plan_command_says_whether_anything_is_pending_before_between_and_after(project: Project) -> None:
    assert project.run("plan", "sizes", "--exit-code").returncode == 3
    project.run("apply", "sizes")
    assert project.run("plan", "sizes", "--exit-code").returncode == 3
    project.run("approve", "sizes")
    project.run("apply", "sizes")
    done = project.run("plan", "sizes", "--exit-code")
    assert (done.returncode, done.stderr) == (0, "")
    assert "The plan is complete." in done.stdout


@pytest.mark.parametrize("command", [["plan", "sizes"], ["status"], ["history"]])
def test_asking_writes_nothing(project: Project, items: Database, command: list[str]) -> None:
    connection = items.connect()
    before = sorted(connection.execute(CATALOG).fetchall())
    done = project.run(*command)
    assert done.returncode == 0, done.stderr
    assert sorted(connection.execute(CATALOG).fetchall()) == before


def test_a_rollback_to_the_start_leaves_what_was_there_and_the_plan_can_begin_anew(
    project: Project, items: Database
) -> None:
    content, _ = state_of(items)
    project.run("apply", "sizes")
    done = project.run("rollback", "sizes", "--yes")
    assert (done.returncode, done.stdout.partition(";")[0]) == (0, "sizes: rolled back")
    assert state_of(items)[0] == content
    assert project.run("rollback", "sizes", "--yes").returncode == 0, "there is nothing left to undo"
    assert project.run("apply", "sizes").returncode == 3


@pytest.fixture
def plain_user_project(items: Database, session_base: Path) -> Iterator[Project]:
    """A project in a folder that belongs to nobody."""
    folder = session_base / f"plain-{os.getpid()}"
    folder.mkdir()
    project = Project(folder, items.url)
    project.revision(
        "aa01", 'op.add_column("items", sa.Column("size", sa.Integer()))', 'op.drop_column("items", "size")'
    )
    project.plan("sizes", "expand:\n- revision: aa01\n")
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, "nobody")
    yield project
    shutil.rmtree(folder)


@pytest.mark.skipif(os.getuid() != 0, reason="these tests run as a plain user anyway")
def test_a_plain_user_can_do_it_too(plain_user_project: Project) -> None:
    packages = [path for path in sys.path if path.endswith("site-packages")]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(ROOT), *packages]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "DATABASE_URL": plain_user_project.url,
    }
    # The interpreter of the tests may be in a home that nobody else may enter; the system's own is the same then.
    here = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, f"/usr/bin/{here}"):
        command = ["runuser", "-u", "nobody", "--", python, "-m", "migrator"]
        probe = subprocess.run([*command, "--version"], env=environment, capture_output=True, cwd="/", check=False)
        if probe.returncode == 0:
            break
    else:
        pytest.skip(f"the user nobody can run neither {sys.executable} nor a {here} of the system")
    done = subprocess.run(
        [*command, "apply", "sizes"], env=environment, cwd=plain_user_project.folder, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "sizes: complete\n"), done.stderr
