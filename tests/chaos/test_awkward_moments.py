"""Kills at the moments that leave something half done behind, and rollbacks from the middle of every phase."""

from __future__ import annotations

import psycopg
import pytest

from tests.chaos import story
from tests.chaos.story import DONE, Stages
from tests.chaos.victim import Victim
from tests.support.content import content_of
from tests.support.databases import Database
from tests.support.polling import wait_until
from tests.support.project import Project
from tests.support.sessions import blocker

pytestmark = pytest.mark.chaos

UNFINISHED = "SELECT count(*) = 1 FROM pg_index WHERE indexrelid = to_regclass('items_amount') AND NOT indisvalid"
NOT_VALIDATED = "SELECT count(*) = 1 FROM pg_constraint WHERE conname = 'items_owner' AND NOT convalidated"


def test_a_build_killed_half_way_leaves_an_invalid_index_that_the_next_run_replaces(
    project: Project, told_database: Database, undisturbed: Stages
) -> None:
    connection = told_database.connect()
    with blocker(told_database.url, "SELECT count(*) FROM items"):  # a build waits for every older transaction
        victim = Victim(project, *story.APPLY_EXPAND)
        wait_until(lambda: _is_true(connection, UNFINISHED), message="an unfinished build")
        assert victim.kill()
        after = Victim(project, *story.APPLY_EXPAND)
        assert after.reaches(1, "build-progress"), after.printed
    assert after.wait() == DONE, after.printed
    assert content_of(connection) == undisturbed.expanded


def test_a_constraint_that_was_added_but_not_validated_is_validated_by_the_next_run(
    project: Project, told_database: Database, undisturbed: Stages
) -> None:
    connection = told_database.connect()
    with _owners_unreadable_for_validation(told_database):
        victim = Victim(project, *story.APPLY_EXPAND)
        wait_until(lambda: _is_true(connection, NOT_VALIDATED), message="a constraint that is not validated")
        assert victim.kill()
    after = Victim(project, *story.APPLY_EXPAND)
    assert after.wait() == DONE, after.printed
    assert content_of(connection) == undisturbed.expanded


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


@pytest.mark.parametrize(
    ("before", "command", "event", "number"),
    [
        pytest.param((), story.APPLY_EXPAND, "statement", 5, id="expand"),
        pytest.param((story.APPLY_EXPAND,), story.BACKFILL, "rows", 40, id="backfill"),
        pytest.param((story.APPLY, story.APPROVE), story.APPLY, "statement", 2, id="contract"),
    ],
)
def test_a_run_killed_in_the_middle_can_be_rolled_back(
    project: Project,
    told_database: Database,
    undisturbed: Stages,
    before: tuple[tuple[str, ...], ...],
    command: tuple[str, ...],
    event: str,
    number: int,
) -> None:
    for earlier in before:
        Victim(project, *earlier).wait()
    victim = Victim(project, *command)
    assert victim.reaches(number, event), victim.printed
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
