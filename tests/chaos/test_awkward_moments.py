"""Kills at the moments that leave something half done behind, and rollbacks from the middle of every phase."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.chaos import story
from tests.chaos.story import DONE, Stages
from tests.support.content import content_of
from tests.support.databases import Database
from tests.support.polling import wait_until
from tests.support.project import Project
from tests.support.sessions import blocker
from tests.support.victim import Victim

pytestmark = pytest.mark.chaos

UNFINISHED = "SELECT count(*) = 1 FROM pg_index WHERE indexrelid = to_regclass('items_amount') AND NOT indisvalid"
NOT_VALIDATED = "SELECT count(*) = 1 FROM pg_constraint WHERE conname = 'items_braked' AND NOT convalidated"
OLD_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT"  # every build waits for it
# A check that takes its time for as long as a session holds the advisory lock.
BRAKE = """
    CREATE FUNCTION braked(integer) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
        WHILE NOT pg_try_advisory_xact_lock_shared(7) LOOP PERFORM pg_sleep(0.01); END LOOP;
        RETURN true;
    END $$
"""


def test_a_build_killed_half_way_leaves_an_invalid_index_that_the_next_run_replaces(
    project: Project, told_database: Database, undisturbed: Stages
) -> None:
    connection = told_database.connect()
    with blocker(told_database.url, OLD_SNAPSHOT):
        victim = Victim(project, *story.APPLY_EXPAND)
        wait_until(lambda: _is_true(connection, UNFINISHED), message="an unfinished build")
        assert victim.kill()
        after = Victim(project, *story.APPLY_EXPAND)
        assert after.reaches(1, "build-progress"), after.printed
    assert after.wait() == DONE, after.printed
    assert content_of(connection) == undisturbed.expanded


def test_a_constraint_that_was_added_but_not_validated_is_validated_by_the_next_run(
    told_database: Database, tmp_path: Path
) -> None:
    connection = told_database.connect()
    connection.execute(BRAKE)
    project = Project(tmp_path, told_database.url)
    adding = "ALTER TABLE items ADD CONSTRAINT items_braked CHECK (braked(amount))"
    project.sql_revision("b0", [adding], ["ALTER TABLE items DROP CONSTRAINT items_braked"])
    project.plan("brake", "expand: [revision: b0]")
    with blocker(told_database.url, "SELECT pg_advisory_lock(7)"):
        victim = Victim(project, "apply", "brake")
        wait_until(lambda: _is_true(connection, NOT_VALIDATED), message="a constraint that is not validated")
        assert victim.kill()
        assert _is_true(connection, NOT_VALIDATED)
    after = Victim(project, "apply", "brake")
    assert after.wait() == DONE, after.printed
    assert not _is_true(connection, NOT_VALIDATED)
    assert [one["sql"] for one in after.events() if one.get("event") == "statement"] == [
        "ALTER TABLE items VALIDATE CONSTRAINT items_braked"
    ]


def test_a_refill_killed_half_way_goes_on_with_the_next_rollback(
    project: Project, told_database: Database, undisturbed: Stages
) -> None:
    _to_the_end(project)
    victim = Victim(project, *story.ROLL_BACK, "--to", "migrate")
    assert victim.reaches(2, "rows"), victim.printed
    assert victim.kill()
    connection = told_database.connect()
    after = Victim(project, *story.ROLL_BACK, "--to", "migrate")
    assert after.wait() == DONE, after.printed
    assert content_of(connection) == undisturbed.filled


@dataclass(frozen=True)
class Middle:
    """The `number`-th `event` of `command`, which follows the commands `before`."""

    before: tuple[tuple[str, ...], ...]
    command: tuple[str, ...]
    event: str
    number: int


@pytest.mark.parametrize(
    "middle",
    [
        pytest.param(Middle((), story.APPLY_EXPAND, "statement", 5), id="expand"),
        pytest.param(Middle((story.APPLY_EXPAND,), story.BACKFILL, "rows", 40), id="backfill"),
        pytest.param(Middle((story.APPLY, story.APPROVE), story.APPLY, "statement", 2), id="contract"),
    ],
)
def test_a_run_killed_in_the_middle_can_be_rolled_back(
    project: Project, told_database: Database, undisturbed: Stages, middle: Middle
) -> None:
    for earlier in middle.before:
        Victim(project, *earlier).wait()
    victim = Victim(project, *middle.command)
    assert victim.reaches(middle.number, middle.event), victim.printed
    assert victim.kill()
    back = Victim(project, *story.ROLL_BACK)
    assert back.reaches(3)
    back.kill()
    again = Victim(project, *story.ROLL_BACK)
    assert again.wait() == DONE, again.printed
    assert content_of(told_database.connect()) == undisturbed.beginning


def _to_the_end(project: Project) -> None:
    for command, code in ((story.APPLY, story.AT_A_GATE), (story.APPROVE, DONE), (story.APPLY, DONE)):
        assert Victim(project, *command).wait() == code


def _is_true(connection: psycopg.Connection, query: str) -> bool:
    row = connection.execute(query).fetchone()
    return row is not None and row[0]
