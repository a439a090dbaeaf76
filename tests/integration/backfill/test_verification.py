"""A verify step compares what is with what should be, waits where a backfill would, and goes on where it stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from migrator.engine.events import RowProgress
from migrator.engine.steps import verify as module
from migrator.engine.steps.verify import RowsDifferError
from migrator.engine.stop import Stop
from migrator.plan import Plan
from tests.support.background import in_background
from tests.support.polling import wait_until
from tests.support.project import Project

ROWS = 3000
DATABASE = f"""
    CREATE TABLE items (id integer PRIMARY KEY, old text, new text[], body text);
    INSERT INTO items SELECT n, n || ',x', ARRAY[n::text, 'x'], 'body ' || n FROM generate_series(1, {ROWS}) n;
    CREATE TABLE bodies (item_id integer PRIMARY KEY, body text);
    INSERT INTO bodies SELECT id, body FROM items;
    ANALYZE items, bodies
"""
SPLIT = {"new": "string_to_array(old, ',')"}
BODIES = {"table": "bodies", "from": "items", "join": "items.id = item_id", "same": {"body": "items.body"}}


@pytest.fixture(autouse=True)
def ranges(connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that is looked at in some ranges."""
    connection.execute(DATABASE)
    monkeypatch.setattr(module, "FIRST_ROWS", 500)


def verifying(project: Project, **step: Any) -> Plan:
    return project.plan("verifying", yaml.safe_dump({"migrate": [{"verify": {"table": "items", **step}}]}))


def progress(project: Project) -> list[RowProgress]:
    return [event for event in project.events if isinstance(event, RowProgress)]


def test_columns_that_hold_what_they_must_are_the_same(project: Project) -> None:
    assert project.apply(verifying(project, same=SPLIT)) == "complete"
    assert progress(project)[-1].rows_done == ROWS


def test_rows_that_differ_are_named_by_their_keys(project: Project, connection: psycopg.Connection) -> None:
    connection.execute("UPDATE items SET new = NULL WHERE id IN (7, 2700)")
    connection.execute("UPDATE items SET new = '{y}' WHERE id = 1400")
    with pytest.raises(RowsDifferError, match="3 of 3,000 rows of items") as error:
        project.apply(verifying(project, same=SPLIT))
    assert error.value.notes[0] == "keys: 7, 1400, 2700"


def test_where_says_which_rows_are_looked_at(project: Project, connection: psycopg.Connection) -> None:
    connection.execute("UPDATE items SET new = NULL WHERE id = 7")
    assert project.apply(verifying(project, same=SPLIT, where="id <> 7")) == "complete"


def test_rows_are_compared_with_those_of_another_table(project: Project, connection: psycopg.Connection) -> None:
    assert project.apply(verifying(project, **BODIES)) == "complete"
    project.rollback(verifying(project, **BODIES))
    connection.execute("UPDATE bodies SET body = 'other' WHERE item_id = 3; DELETE FROM items WHERE id = 5")
    with pytest.raises(RowsDifferError) as error:
        project.apply(verifying(project, **BODIES))
    assert error.value.notes[0] == "keys: 3, 5"


def test_a_verification_waits_while_the_throttle_says_so(project: Project, tmp_path: Path) -> None:
    flag = tmp_path / "hold"
    flag.touch()
    plan = verifying(project, same=SPLIT, throttle={"flag_file": str(flag)})
    with in_background(lambda: project.apply(plan)) as run:
        wait_until(lambda: any("flag_file" in one.waiting for one in progress(project)))
        assert progress(project)[-1].rows_done == 500
        flag.unlink()
        assert run.result() == "complete"


def test_a_verification_that_was_stopped_goes_on_behind_its_last_range(
    project: Project, connection: psycopg.Connection, tmp_path: Path
) -> None:
    flag = tmp_path / "hold"
    flag.touch()
    plan, stop = verifying(project, same=SPLIT, throttle={"flag_file": str(flag)}), Stop()
    connection.execute("UPDATE items SET new = NULL WHERE id = 7")
    with in_background(lambda: project.apply(plan, stop=stop)) as run:
        wait_until(lambda: any(one.waiting for one in progress(project)))
        stop.request()
        assert run.result() == "stopped"
    flag.unlink()
    project.events.clear()
    with pytest.raises(RowsDifferError, match=f"1 of {ROWS:,} rows"):
        project.apply(plan)
    assert progress(project)[0].rows_done > 500
    connection.execute("UPDATE items SET new = string_to_array(old, ',')")
    project.events.clear()
    assert project.apply(plan) == "complete"
    assert progress(project)[0].rows_done == 500  # from the beginning: what was right may have changed
