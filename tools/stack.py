"""Everything the catalog service needs, embedded and from packages: what `make service` and the measurements run on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from catalog_schema.seed import Sizes
from catalog_schema.seed import load as seed
from migrator.postgres.server.binaries import find_binaries
from migrator.postgres.server.cluster import Cluster
from tools.servers import LOCAL, Process, document_store, free_port, mongodb_url, redis_url, valkey

ROOT = Path(__file__).parents[1]
_POSTGRES = {
    "wal_level": "logical",
    "max_wal_senders": "10",
    "max_replication_slots": "10",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
}
_SECRET = "only for a service on this machine"  # noqa: S105 - nobody else can reach it
_IMPORT_SECONDS = 60.0

Say = Callable[[str], None]


class Stack:
    """Primary, replica, Valkey, document store, worker and gunicorn, for the length of a `with` block.

    Args:
        folder: where all of them keep their files; has to exist and be reachable by the account of PostgreSQL.
        products: how many the catalog begins with, at its baseline.
        port: of the service; any free one by default.
        say: is told what happens.
    """

    def __init__(self, folder: Path, *, products: int, port: int = 0, say: Say = lambda _: None) -> None:
        self.folder = folder
        self.products = products
        self.port = port or free_port()
        self._say = say
        self._ends = ExitStack()
        self.processes: dict[str, Process] = {}
        self.replica: Cluster | None = None
        self.database_url = self.replica_url = ""

    @property
    def url(self) -> str:
        """Where the service answers."""
        return f"http://{LOCAL}:{self.port}"

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._ends.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ends.close()

    def migrator(self, *arguments: str, expect: int = 0) -> None:
        """Run `migrator` on the primary.

        Raises:
            RuntimeError: it ended with another code than expected.
        """
        own = {name: value for name, value in os.environ.items() if not name.startswith("MIGRATOR_")}
        self._run(["migrator", *arguments], {**own, "DATABASE_URL": self.database_url}, expect)

    def flask(self, *arguments: str) -> None:
        """Run a command of the service."""
        command = ["flask", "--app", "catalog_service.wsgi:application", "catalog", *arguments]
        self._run(command, self.environment())

    def environment(self) -> dict[str, str]:
        """Return the environment of the service's processes."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CATALOG_", "MIGRATOR_"))}
        settings = {
            "CATALOG_DATABASE_URL": self.database_url,
            "CATALOG_REPLICA_URL": self.replica_url,
            "CATALOG_REDIS_URL": redis_url(self.processes["valkey"]),
            "CATALOG_MONGODB_URL": mongodb_url(self.processes["documents"]),
            "CATALOG_SECRET_KEY": _SECRET,
        }
        return {**kept, **settings}

    def _start(self) -> None:
        self._say("PostgreSQL: a primary and a replica")
        primary = self._primary()
        self._fill()
        self._replica(primary)
        self._say("Valkey, and a stand-in for MongoDB")
        self._serve("valkey", valkey(self.folder / "valkey"))
        self._serve("documents", document_store(self.folder / "mongo", durable=False))
        self.flask("init")
        self.flask("rebuild-report")
        self._say("a worker, and gunicorn")
        self._serve("worker", self._worker())
        self._serve("gunicorn", self._gunicorn())
        # Its port is open before its workers have imported the service; this waits for one that has.
        urllib.request.urlopen(f"{self.url}/livez", timeout=_IMPORT_SECONDS).close()  # noqa: S310 - our own

    def _primary(self) -> Cluster:
        cluster = Cluster(self._home("primary"), find_binaries(), _POSTGRES)
        self._ends.callback(cluster.stop)
        self.database_url = cluster.start().url
        return cluster

    def _fill(self) -> None:
        self.migrator("apply", "baseline")
        self._say(f"{self.products:,} products")
        with psycopg.connect(self.database_url) as connection:
            seed(connection, Sizes.of(self.products), seed=1)

    def _replica(self, primary: Cluster) -> None:
        home = self._home("replica")
        cluster = Cluster(home, primary.binaries, {**_POSTGRES, "hot_standby": "on"})
        cluster.data.mkdir(mode=0o700)
        account = cluster.prepare_account()
        arguments = [cluster.binaries.program("pg_basebackup"), "-d", self.database_url, "-D", str(cluster.data)]
        arguments += ["-X", "stream", "-c", "fast", "-R", "-C", "-S", "replica"]
        code, printed = account.run(cluster.binaries, arguments, env={"HOME": str(home)})
        if code:
            raise RuntimeError(f"the replica could not be made:\n{printed}")
        self.replica = cluster
        self._ends.callback(cluster.stop)
        self.replica_url = cluster.start().url

    def _worker(self) -> Process:
        options = ["worker", "-B", "--schedule", str(self.folder / "beat"), "--concurrency", "1"]
        command = [sys.executable, "-m", "celery", "-A", "catalog_service.worker", *options]
        return Process(command, 0, self.folder / "worker.log", self.environment())

    def _gunicorn(self) -> Process:
        metrics = self.folder / "metrics"
        metrics.mkdir(exist_ok=True)
        options = ["--bind", f"{LOCAL}:{self.port}", "--workers", "2", "--threads", "8", "--worker-class", "gthread"]
        options += ["--config", "python:catalog_service.gunicorn"]
        command = [sys.executable, "-m", "gunicorn", *options, "catalog_service.wsgi:application()"]
        environment = {**self.environment(), "PROMETHEUS_MULTIPROC_DIR": str(metrics)}
        return Process(command, self.port, self.folder / "gunicorn.log", environment)

    def _serve(self, name: str, process: Process) -> None:
        self.processes[name] = process
        self._ends.callback(process.stop)
        process.start()

    def _home(self, name: str) -> Path:
        home = self.folder / name
        home.mkdir(mode=0o755)
        return home

    def _run(self, command: list[str], environment: Mapping[str, str], expect: int = 0) -> None:
        done = subprocess.run(
            [sys.executable, "-m", *command], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode != expect:
            said = (done.stdout + done.stderr)[-3000:]
            raise RuntimeError(f"`{' '.join(command)}` ended with {done.returncode}, not {expect}:\n{said}")


def stop_on_signals() -> None:
    """Make SIGTERM, and a terminal that is closed, end a `with` block as Ctrl-C does; more of them change nothing."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def end(*_: object) -> None:
        for one in signals:
            signal.signal(one, signal.SIG_IGN)
        raise KeyboardInterrupt

    for one in signals:
        signal.signal(one, end)
