"""A counter that the backfill itself raises ends at exactly 1 in every row, whatever is killed while four workers fill.

`make chaos` kills three hundred times; the suite six times.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from tests.support.project import Project
from tests.support.servers import OwnServer
from tests.support.victim import Victim

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(3600)]

KILLS = int(os.environ.get("MIGRATOR_TEST_KILLS", "6"))
ROWS_A_KILL = 4000
# The subquery makes each chunk last; the counter tells how often its row was written.
PACE = "CREATE OR REPLACE FUNCTION pace() RETURNS integer LANGUAGE plpgsql AS 'BEGIN {} RETURN 0; END'"
PLAN = """
migrate:
  - backfill:
      table: items
      set: {writes: "writes + 1 + (SELECT pace())"}
      chunk_rows: 100
      fixed: true
      workers: 4
      irreversible: a test
"""
WAYS = ("kill", "kill", "kill", "terminate", "cut", "cut", "crash")
ENDS = {0, 4, 143}  # complete, the server or a connection gone, stopped


@contextmanager
def writing(server: OwnServer, rows: int, seed: int) -> Iterator[None]:
    """An application that inserts, updates and deletes all the while, and connects again when it is cut off."""
    stopping = threading.Event()

    def work(rng: random.Random) -> None:
        while not stopping.is_set():
            with suppress(psycopg.Error), server.connect() as connection:
                while not stopping.is_set():
                    key = rng.randrange(rows)
                    connection.execute("UPDATE items SET note = note + 1 WHERE id = %s", (2 * key,))
                    connection.execute("INSERT INTO items VALUES (%s) ON CONFLICT DO NOTHING", (2 * key + 1,))
                    connection.execute("DELETE FROM items WHERE id = %s", (2 * rng.randrange(rows),))
                    stopping.wait(0.01)
            stopping.wait(0.05)

    threads = [threading.Thread(target=work, args=(random.Random(seed + n),), daemon=True) for n in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join(10)


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
    with own_server.connect() as connection:
        connection.execute(
            "CREATE TABLE items (id bigint PRIMARY KEY, note integer DEFAULT 0, writes integer NOT NULL DEFAULT 0)"
        )
        connection.execute(f"INSERT INTO items SELECT 2 * n FROM generate_series(0, {rows - 1}) n")
        connection.execute(PACE.format("PERFORM pg_sleep(0.02);"))
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
        with own_server.connect() as connection:
            connection.execute(PACE.format(""))
        assert project.backfill(plan) == "complete"
    print(f"{harmed} kills, {rows} rows")
    assert harmed >= KILLS * 0.7
    with own_server.connect() as connection:
        # A row inserted behind a cursor is the dual write's business; of those that were there none is left out.
        found = connection.execute("SELECT id % 2, writes, count(*) FROM items GROUP BY 1, 2 ORDER BY 1, 2").fetchall()
    print(found)
    assert {(odd, writes) for odd, writes, _ in found} <= {(0, 1), (1, 0), (1, 1)}
