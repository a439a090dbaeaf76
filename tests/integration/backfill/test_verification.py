"""A verify step compares what is with what should be, waits where a backfill would, and goes on where it stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from migrator.engine.control import NoRunError
from migrator.engine.events import RowProgress
from migrator.engine.repair import NotRepairableError
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


# Repair.


def test_a_repair_writes_the_rows_that_differ_and_no_others(project: Project, connection: psycopg.Connection) -> None:
    connection.execute("CREATE TABLE written (id integer)")
    connection.execute(
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO written VALUES (NEW.id); RETURN NEW; END $$"
    )
    connection.execute("UPDATE items SET new = NULL WHERE id IN (7, 2700)")
    connection.execute("CREATE TRIGGER note AFTER UPDATE ON items FOR EACH ROW EXECUTE FUNCTION note()")
    plan = verifying(project, same=SPLIT)
    with pytest.raises(RowsDifferError):
        project.apply(plan)
    assert project.repair(plan) == 2
    assert connection.execute("SELECT id FROM written ORDER BY id").fetchall() == [(7,), (2700,)]
    assert project.apply(plan) == "complete"
    connection.execute("UPDATE items SET new = NULL WHERE id = 9")
    assert project.repair(plan) == 1


def test_a_repair_takes_what_the_other_table_has(project: Project, connection: psycopg.Connection) -> None:
    plan = verifying(project, **BODIES)
    assert project.apply(plan) == "complete"
    connection.execute("UPDATE bodies SET body = 'other' WHERE item_id IN (3, 4); DELETE FROM items WHERE id = 4")
    assert project.repair(plan) == 1
    assert connection.execute("SELECT body FROM bodies WHERE item_id IN (3, 4) ORDER BY 1").fetchall() == [
        ("body 3",),
        ("other",),
    ]


def test_where_a_condition_says_what_is_wrong_the_backfill_of_the_plan_says_what_is_right(
    project: Project, connection: psycopg.Connection
) -> None:
    fill = {"table": "items", "set": SPLIT, "where": "new IS NULL", "irreversible": "a test"}
    look = {"table": "items", "none": "new IS DISTINCT FROM string_to_array(old, ',')"}
    plan = project.plan("filling", yaml.safe_dump({"migrate": [{"backfill": fill}, {"verify": look}]}))
    connection.execute("UPDATE items SET new = '{wrong}' WHERE id = 7")
    with pytest.raises(RowsDifferError):
        project.apply(plan)
    assert project.repair(plan) == 1
    assert project.apply(plan) == "complete"


def test_without_anything_that_says_what_is_right_nothing_is_repaired(
    project: Project, connection: psycopg.Connection
) -> None:
    plan = verifying(project, none="new IS NULL")
    with pytest.raises(NoRunError):
        project.repair(plan)
    assert project.apply(plan) == "complete"
    connection.execute("UPDATE items SET new = NULL WHERE id = 7")
    with pytest.raises(NotRepairableError, match="nothing in the plan"):
        project.repair(plan)
    assert connection.execute("SELECT new FROM items WHERE id = 7").fetchone() == (None,)
