"""A counter that the backfill itself raises ends at exactly 1 in every row, whatever is killed while four workers fill.

`make chaos` kills three hundred times; the suite six times.
"""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from tests.chaos.counter import KILLS, PLAN, ROWS_A_KILL, hasten, prepare, require_once, writing
from tests.support.project import Project
from tests.support.servers import OwnServer
from tests.support.victim import Victim

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(3600)]

WAYS = ("kill", "kill", "kill", "terminate", "cut", "cut", "crash")
ENDS = {0, 4, 143}  # complete, the server or a connection gone, stopped


def harm(way: str, victim: Victim, server: OwnServer) -> None:
    if way == "kill":
        victim.kill()
    elif way == "terminate":
        with suppress(ProcessLookupError):
            os.kill(victim.pid, signal.SIGTERM)
    elif way == "cut":
        with suppress(psycopg.Error), server.connect() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name LIKE 'migrator backfill%' ORDER BY random() LIMIT 1"
            )
    else:
        server.kill_immediate()


def test_a_counter_ends_at_one_whatever_is_killed(own_server: OwnServer, tmp_path: Path) -> None:
    seed = int(time.time())
    rng, rows, harmed = random.Random(seed), ROWS_A_KILL * KILLS, 0
    prepare(own_server, rows)
    project = Project(tmp_path, own_server.url)
    plan = project.plan("count", PLAN)
    print(f"seed {seed}")
    with writing(own_server, rows, seed):
        while harmed < KILLS:
            victim, way = Victim(project, "backfill", "count"), ""
            moment = rng.randint(1, 14)
            if victim.reaches(moment, "rows"):
                time.sleep(rng.uniform(0, 0.03))
                way = rng.choice(WAYS)
                harm(way, victim, own_server)
                harmed += 1
                if way == "cut" and victim.reaches(moment + 5, "rows"):  # it has gone on: not to its end
                    victim.kill()
            ended = victim.wait()
            assert ended in {*ENDS, -signal.SIGKILL}, victim.printed
            if way == "crash":
                own_server.start()
            if ended == 0:
                break
        hasten(own_server)
        assert project.backfill(plan) == "complete"
    print(f"{harmed} kills, {rows} rows")
    assert harmed >= KILLS * 0.7
    require_once(own_server)
