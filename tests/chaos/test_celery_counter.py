"""The same with workers in Celery: they, the queue, the process that leads, connections and the server are killed.

`make chaos` kills three hundred times; where it is asked for by itself, six times.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.chaos.counter import KILLS, PLAN, ROWS_A_KILL, hasten, prepare, require_once, writing
from tests.support.project import Project
from tests.support.proxy import TcpProxy
from tests.support.servers import OwnServer
from tools.servers import Process, redis_url, valkey

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(3600)]

LONGEST = 90.0  # seconds: a lease of a worker that was killed has to run out
WORKERS = 2  # processes, each with two threads
LEADER = ("-m", "migrator", "backfill", "count", "--engine", "celery")
WORKER = (
    "-m", "celery", "--app", "migrator.engine.celery", "worker", "--pool", "threads", "--concurrency", "2",
    "--loglevel", "ERROR", "--without-gossip", "--without-mingle",
)  # fmt: skip


class Crowd:
    """The processes at work, each started again whenever it has ended."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self._folder = folder
        self._environ = environ
        self.workers: list[subprocess.Popen[bytes]] = []
        self.leader = self._start(LEADER)
        self.codes: list[int] = []

    def restore(self) -> bool:
        """Start what has ended; tell whether the one that leads had come to its end."""
        self.workers = [one for one in self.workers if one.poll() is None]
        self.workers += [self._start(WORKER) for _ in range(WORKERS - len(self.workers))]
        code = self.leader.poll()
        if code is None:
            return False
        self.codes.append(code)
        self.leader = self._start(LEADER)
        return code == 0

    def end(self) -> None:
        for one in (*self.workers, self.leader):
            one.kill()
            one.wait()

    def _start(self, arguments: tuple[str, ...]) -> subprocess.Popen[bytes]:
        log = (self._folder / "crowd.log").open("ab")
        with log:
            return subprocess.Popen(
                [sys.executable, *arguments], cwd=self._folder, env=self._environ, stdout=log, stderr=log
            )


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Process]:
    server = valkey(tmp_path / "broker")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def proxy(own_server: OwnServer) -> Iterator[TcpProxy]:
    with TcpProxy(own_server.url) as proxy:
        yield proxy


def test_a_counter_ends_at_one_whatever_of_celery_is_killed(
    own_server: OwnServer, proxy: TcpProxy, broker: Process, tmp_path: Path
) -> None:
    seed, harmed = int(time.time()), 0
    rng, rows = random.Random(seed), ROWS_A_KILL * KILLS
    print(f"seed {seed}")
    prepare(own_server, rows)
    folder = tmp_path / "project"
    folder.mkdir()
    project = Project(folder, own_server.url)
    plan = project.plan("count", PLAN)
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("MIGRATOR_", "PG"))}
    crowd = Crowd(folder, {**environ, "DATABASE_URL": proxy.url, "MIGRATOR_BROKER": redis_url(broker)})
    scene = SimpleNamespace(crowd=crowd, rng=rng, proxy=proxy, broker=broker, server=own_server)
    try:
        with writing(own_server, rows, seed):
            while harmed < KILLS:
                before, deadline = done(own_server), time.monotonic() + LONGEST
                while not (ended := crowd.restore()) and done(own_server) == before:
                    assert time.monotonic() < deadline, "nobody works"
                    time.sleep(0.02)
                if ended:
                    break
                time.sleep(rng.uniform(0, 0.3))  # at a random moment of the work
                rng.choice(WAYS)(scene)
                harmed += 1
    finally:
        crowd.end()
    hasten(own_server)
    assert project.backfill(plan) == "complete"
    print(f"{harmed} kills, {rows} rows, ends of the process that leads: {sorted(set(crowd.codes))}")
    assert harmed >= KILLS * 0.7
    assert set(crowd.codes) <= {0, 4, 5, 143, -signal.SIGKILL, -signal.SIGTERM}
    require_once(own_server)


def done(server: OwnServer) -> int:
    """Return how many rows the ledger says are done."""
    with server.connect() as connection:
        if connection.execute("SELECT to_regclass('migrator.slices')").fetchone() == (None,):
            return 0
        row = connection.execute("SELECT coalesce(sum(rows_done), 0)::bigint FROM migrator.slices").fetchone()
        assert row
        return int(row[0])


def kill_worker(scene: SimpleNamespace) -> None:
    scene.rng.choice(scene.crowd.workers).kill()


def stop_worker(scene: SimpleNamespace) -> None:
    scene.rng.choice(scene.crowd.workers).terminate()


def kill_leader(scene: SimpleNamespace) -> None:
    scene.crowd.leader.kill()


def stop_leader(scene: SimpleNamespace) -> None:
    scene.crowd.leader.terminate()


def kill_broker(scene: SimpleNamespace) -> None:
    """What was in the queue is lost with it."""
    scene.broker.kill()
    scene.broker.start()


def cut(scene: SimpleNamespace) -> None:
    scene.proxy.cut(after_bytes=scene.rng.choice((None, 1, 1000)))


def crash(scene: SimpleNamespace) -> None:
    scene.server.kill_immediate()
    scene.server.start()


WAYS: tuple[Callable[[SimpleNamespace], None], ...] = (
    kill_worker, kill_worker, stop_worker, kill_leader, stop_leader, kill_broker, cut, cut, crash,
)  # fmt: skip
