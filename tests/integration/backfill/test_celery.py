"""Workers in Celery: whatever becomes of them and of the queue, the ledger knows what is done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from migrator.engine.celery import TASK, BrokerError, NoBrokerError, fill, queue
from migrator.engine.refused import RowRefusedError
from migrator.engine.stop import Stop
from migrator.plan import Plan
from tests.integration.backfill.conftest import MakePlan
from tests.support.background import in_background
from tests.support.polling import wait_until
from tests.support.project import Project
from tools.servers import redis_url, valkey

ROWS = 4000
SLOWLY = {"writes": "writes + (SELECT count(*) FROM (SELECT pg_sleep(0.05)) AS slept)::integer"}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = valkey(tmp_path_factory.mktemp("broker"))
    server.start()
    yield redis_url(server)
    server.kill()


@pytest.fixture(autouse=True)
def items(connection: psycopg.Connection) -> None:
    connection.execute("CREATE TABLE items (id integer PRIMARY KEY, writes integer NOT NULL DEFAULT 0)")
    connection.execute(f"INSERT INTO items SELECT n FROM generate_series(1, {ROWS}) n")
    connection.execute("ANALYZE items")


def written(connection: psycopg.Connection) -> list[tuple[int, int]]:
    return connection.execute("SELECT writes, count(*) FROM items GROUP BY 1 ORDER BY 1").fetchall()


def some(connection: psycopg.Connection, rows: int) -> None:
    wait_until(lambda: dict(written(connection)).get(1, 0) >= rows, message=f"{rows} rows are done", timeout=90)


@contextmanager
def worker(project: Project, broker: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Celery worker in a process of its own, with nothing but the settings to go by."""
    command = [sys.executable, "-m", "celery", "--app", "migrator.engine.celery", "worker", "--pool", "solo"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("MIGRATOR_", "PG"))}
    process = subprocess.Popen(
        [*command, "--loglevel", "ERROR", "--without-gossip", "--without-mingle"],
        cwd=project.folder,
        env={**environ, "DATABASE_URL": project.url, "MIGRATOR_BROKER": broker},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


Hands = Callable[[int], list[Future[None]]]


@pytest.fixture
def hands(connection: psycopg.Connection, project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hands]:
    """Run the task in as many threads as asked for, with the ids of the step under way."""
    monkeypatch.chdir(project.folder)
    monkeypatch.setenv("DATABASE_URL", project.url)
    known: list[Any] = []

    def ids() -> tuple[int, ...]:
        found = "SELECT run_id, id, attempts FROM migrator.steps WHERE state = 'running' AND work IS NOT NULL"
        if not known:
            there = "SELECT to_regclass('migrator.failed_rows') IS NOT NULL"
            wait_until(lambda: connection.execute(there).fetchone() == (True,), message="a ledger")
            known.append(wait_until(lambda: connection.execute(found).fetchone(), message="the step is open"))
        return tuple(known[0])

    with ThreadPoolExecutor(4) as pool:
        yield lambda number: [pool.submit(fill, *ids()) for _ in range(number)]


def led(project: Project, plan: Plan, broker: str, stop: Stop | None = None) -> str:
    return project.backfill(plan, stop=stop, engine="celery", broker=broker)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_workers_are_killed_tasks_are_lost_and_doubled_and_each_row_is_written_once(
    connection: psycopg.Connection, project: Project, backfill: MakePlan, broker: str
) -> None:
    plan = backfill("items", SLOWLY, workers=2)
    with (
        worker(project, broker) as first,
        worker(project, broker),
        in_background(lambda: led(project, plan, broker)) as run,
    ):
        some(connection, 100)
        (step, attempt) = connection.execute("SELECT id, attempts FROM migrator.steps").fetchone() or (0, 0)
        for number in (attempt, attempt, attempt - 1, attempt + 1):
            queue(broker).send_task(TASK, args=(1, step, number))  # twice, late, and of another time
        some(connection, 1000)
        os.kill(first.pid, signal.SIGKILL)
        redis.Redis.from_url(broker).flushall()
        with worker(project, broker):
            assert run.result(timeout=100) == "complete"
    assert written(connection) == [(1, ROWS)]


def test_tasks_share_the_work_and_one_replayed_after_the_end_does_nothing(
    connection: psycopg.Connection, project: Project, backfill: MakePlan, broker: str, hands: Hands
) -> None:
    plan = backfill("items", SLOWLY, workers=4)
    with in_background(lambda: led(project, plan, broker)) as run:
        for one in hands(4):
            one.result()
        assert run.result() == "complete"
        hands(1)
    assert written(connection) == [(1, ROWS)]
    assert (connection.execute("SELECT count(*) FROM migrator.slices").fetchone() or (0,))[0] >= 2


def test_a_worker_finds_the_function_of_the_plan(
    connection: psycopg.Connection, project: Project, broker: str, hands: Hands
) -> None:
    (project.folder / "plans" / "celery_moves.py").write_text("def add(rows): return [{'writes': 1} for _ in rows]")
    step = "{table: items, python: 'celery_moves:add', read: [writes], write: [writes], irreversible: a test}"
    plan = project.plan("fill", f"migrate: [{{backfill: {step}}}]")
    with in_background(lambda: led(project, plan, broker)) as run:
        hands(2)
        assert run.result() == "complete"
    assert written(connection) == [(1, ROWS)]


def test_workers_go_from_partition_to_partition(
    connection: psycopg.Connection, project: Project, backfill: MakePlan, broker: str, hands: Hands
) -> None:
    connection.execute("CREATE TABLE parts (id integer PRIMARY KEY, writes integer DEFAULT 0) PARTITION BY RANGE (id)")
    connection.execute("CREATE TABLE low PARTITION OF parts FOR VALUES FROM (0) TO (150)")
    connection.execute("CREATE TABLE high PARTITION OF parts FOR VALUES FROM (150) TO (999)")
    connection.execute("INSERT INTO parts SELECT generate_series(1, 300)")
    with in_background(lambda: led(project, backfill("parts", {"writes": "parts.writes + 1"}), broker)) as run:
        while not run.done():
            hands(1)[0].result()
        assert run.result() == "complete"
    assert connection.execute("SELECT writes, count(*) FROM parts GROUP BY 1").fetchall() == [(1, 300)]


def test_a_stop_takes_the_work_from_the_workers_and_the_local_engine_goes_on(
    connection: psycopg.Connection, project: Project, backfill: MakePlan, broker: str, hands: Hands
) -> None:
    plan, stop = backfill("items", SLOWLY, workers=2), Stop()
    with in_background(lambda: led(project, plan, broker, stop)) as run:
        working = hands(2)
        some(connection, 100)
        stop.request()
        assert run.result() == "stopped"
        stood = written(connection)
        assert connection.execute("SELECT count(*) FROM migrator.slices WHERE worker IS NOT NULL").fetchone() == (0,)
        for one in working:
            one.result()
        assert written(connection) == stood
    assert project.backfill(plan, workers=8) == "complete"
    assert written(connection) == [(1, ROWS)]


def test_a_row_that_a_worker_may_not_write_ends_the_run_and_is_named(
    connection: psycopg.Connection, project: Project, backfill: MakePlan, broker: str, hands: Hands
) -> None:
    connection.execute("ALTER TABLE items ADD CHECK (id <> 777 OR writes = 0)")
    plan = backfill("items", {"writes": "writes + 1"}, workers=2)
    with in_background(lambda: led(project, plan, broker)) as run:
        hands(2)
        with pytest.raises(RowRefusedError, match="777"):
            run.result()


def test_without_a_broker_the_run_says_what_is_missing(
    connection: psycopg.Connection, project: Project, backfill: MakePlan, tmp_path: Path
) -> None:
    plan = backfill("items", SLOWLY)
    with pytest.raises(NoBrokerError):
        project.backfill(plan, engine="celery")
    with pytest.raises(BrokerError):
        led(project, plan, "redis://127.0.0.1:1/0")
    assert written(connection) == [(0, ROWS)]
