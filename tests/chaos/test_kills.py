"""Whatever is killed, and whenever: the same command goes on, and in the end nothing is lost and nothing done twice."""

from __future__ import annotations

import random
import time

import psycopg
import pytest

from tests.chaos import story
from tests.chaos.story import DONE, Stages
from tests.support.content import content_of
from tests.support.databases import Database
from tests.support.project import Project
from tests.support.victim import Victim

pytestmark = pytest.mark.chaos

LEAST_KILLS = 16  # of each of the two seeds


@pytest.mark.parametrize("seed", [20260711, 20260712])
def test_a_run_killed_at_random_moments_ends_as_an_undisturbed_one(
    project: Project, told_database: Database, undisturbed: Stages, seed: int
) -> None:
    print(f"seed {seed}")
    rng = random.Random(seed)
    connection = told_database.connect()
    kills = _to_its_end(project, story.APPLY_EXPAND, rng, kills=7, spread=7)
    assert content_of(connection) == undisturbed.expanded
    kills += _to_its_end(project, story.BACKFILL, rng, kills=8, spread=14)
    kills += _to_its_end(project, story.APPLY, rng, kills=1, spread=5, code=story.AT_A_GATE)
    assert content_of(connection) == undisturbed.filled
    assert _rows(connection, "SELECT DISTINCT writes FROM items") == [(1,)]
    assert Victim(project, *story.APPROVE).wait() == DONE
    kills += _to_its_end(project, story.APPLY, rng, kills=5, spread=6)
    assert content_of(connection) == undisturbed.contracted
    kills += _to_its_end(project, story.ROLL_BACK, rng, kills=8, spread=8)
    assert content_of(connection) == undisturbed.beginning
    print(f"{kills} kills")
    assert kills >= LEAST_KILLS


def _to_its_end(
    project: Project, command: tuple[str, ...], rng: random.Random, *, kills: int, spread: int, code: int = DONE
) -> int:
    """Run `command` until it ends by itself with `code`, at the latest after `kills` kills; return how many it took.

    A kill comes up to 20 ms after one of the process's first `spread` events.
    """
    for killed in range(kills):
        victim = Victim(project, *command)
        if victim.reaches(rng.randint(1, spread)):
            time.sleep(rng.uniform(0, 0.02))
        if not victim.kill():
            assert victim.wait() == code, victim.printed
            return killed
    last = Victim(project, *command)
    assert last.wait() == code, last.printed
    return kills


def _rows(connection: psycopg.Connection, query: str) -> list[tuple[object, ...]]:
    return connection.execute(query).fetchall()
