"""A table to fill, as often as one likes, and what is measured while that is done."""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from benchmarks.machine import processor_of

SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "8GB", "checkpoint_timeout": "30min"}
TEMPLATE = "bench"
TABLE = """
    CREATE TABLE items (id bigint PRIMARY KEY, owner int NOT NULL, legacy_tags text NOT NULL, note text NOT NULL);
    INSERT INTO items
    SELECT n, n % 1000, 'tag' || n % 7 || ',tag' || n % 11 || ',tag' || n % 13, repeat(md5(n::text), 4)
    FROM generate_series(1, {rows}) AS n;
    CREATE INDEX items_owner ON items (owner);
"""
# The command itself takes about a second to start, in which it does nothing to the table.
WHEN = """
    SELECT extract(epoch FROM started_at)::float8, extract(epoch FROM finished_at)::float8
    FROM migrator.steps WHERE kind = 'backfill'
"""
PLAN = """\
plan: {name}
expand:
  - revision: aa01
migrate:
  - backfill:
      table: items
      set: {{tags: "string_to_array(legacy_tags, ',')"}}
      where: tags IS NULL
      {how}
"""
PROJECT = {
    "alembic.ini": "[alembic]\nscript_location = %(here)s\npath_separator = os\n",
    "env.py": """\
import os
from alembic import context
from sqlalchemy import create_engine

with create_engine(os.environ["DATABASE_URL"].replace("postgresql:", "postgresql+psycopg:")).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
""",
    "versions/aa01.py": """\
from alembic import op

revision, down_revision = "aa01", None


def upgrade():
    op.execute("ALTER TABLE items ADD COLUMN tags text[]")


def downgrade():
    op.execute("ALTER TABLE items DROP COLUMN tags")
""",
    "migrator.toml": 'alembic_ini = "alembic.ini"\nplans = "plans"\n',
}
RATE, CONNECTIONS = 100, 8


@dataclass(frozen=True, slots=True)
class Filled:
    """When a fill began and ended, in seconds since 1970, and what its client used, in seconds and bytes."""

    began: float
    ended: float
    processor: float = 0.0
    memory: int = 0


@dataclass(frozen=True, slots=True)
class Measured:
    """What one fill came to. `growth` is the table's size after it as a multiple of that before."""

    rows_per_second: float
    growth: float
    server_processor: float
    filled: Filled


Fill = Callable[[str], Filled]
"""Fills the column in the database at an address."""


@dataclass(slots=True)
class Traffic:
    """Single-row reads and updates in turn that come in `RATE` times a second whatever becomes of them.

    `latencies` are in milliseconds, each with the time at which the statement was due.
    """

    url: str
    rows: int
    latencies: list[tuple[float, float]] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[None]:
        over, arrivals, begun = threading.Event(), count(), time.time()

        def work() -> None:
            with psycopg.connect(self.url, autocommit=True) as connection:
                while not over.is_set():
                    number = next(arrivals)
                    due = begun + number / RATE
                    time.sleep(max(0.0, due - time.time()))
                    statement = "UPDATE items SET owner = owner + 1 WHERE id = %s"
                    if number % 2:
                        statement = "SELECT legacy_tags FROM items WHERE id = %s"
                    connection.execute(statement, (random.randint(1, self.rows),))
                    self.latencies.append((due, (time.time() - due) * 1000))

        threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()

    def p99(self, began: float, ended: float) -> float:
        """Return what a hundredth of the statements of a time waits for at least, in milliseconds."""
        return statistics.quantiles([latency for due, latency in self.latencies if began <= due <= ended], n=100)[98]


class Bench:
    """The server with the template, and one database at a time copied from it."""

    def __init__(self, url: str, project: Path, rows: int) -> None:
        self._admin = psycopg.connect(url, autocommit=True)
        self._url = url
        self.project = project
        self.rows = rows
        row = self._admin.execute("SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int").fetchone()
        assert row
        self._postmaster: int = row[0]

    def prepare(self, plans: dict[str, str]) -> None:
        """Make the template: the rows, and the revision of the `plans`, which differ in how they fill."""
        for name, text in PROJECT.items():
            (self.project / name).parent.mkdir(parents=True, exist_ok=True)
            (self.project / name).write_text(text)
        (self.project / "plans").mkdir()
        for number, (name, how) in enumerate(plans.items(), 1):
            (self.project / "plans" / f"{number:04}_{name}.yaml").write_text(PLAN.format(name=name, how=how))
        self._admin.execute(f"CREATE DATABASE {TEMPLATE}")
        with psycopg.connect(self._at(TEMPLATE), autocommit=True) as connection:
            for statement in TABLE.format(rows=self.rows).split(";"):
                connection.execute(sql.SQL(statement))
            connection.execute("VACUUM ANALYZE items")

    @contextmanager
    def copy(self) -> Iterator[str]:
        """Make a copy of the template, and hand out its address."""
        self._admin.execute("DROP DATABASE IF EXISTS run WITH (FORCE)")
        self._admin.execute(f"CREATE DATABASE run TEMPLATE {TEMPLATE} STRATEGY file_copy")
        self._admin.execute("CHECKPOINT")
        yield self._at("run")

    def measure(self, fill: Fill, plan: str | None) -> Measured:
        """Fill a copy, which the expand phase of the `plan` has made ready."""
        with self.copy() as url:
            if plan:
                self.migrator(url, "apply", plan, "--to", "expand")
            before, size = processor_of(self._postmaster), self._size(url)
            filled = fill(url)
            used = processor_of(self._postmaster) - before
            with psycopg.connect(url) as connection:
                assert connection.execute("SELECT count(*) FROM items WHERE tags IS NULL").fetchone() == (0,)
            speed = self.rows / (filled.ended - filled.began)
            return Measured(speed, self._size(url) / size, used, filled)

    def p99(self, fill: Fill, plan: str | None) -> float:
        """Return what a hundredth of the traffic beside a fill waits for at least, in milliseconds."""
        with self.copy() as url:
            if plan:
                self.migrator(url, "apply", plan, "--to", "expand")
            traffic = Traffic(url, self.rows)
            with traffic.running():
                filled = fill(url)
        return traffic.p99(filled.began, filled.ended)

    def migrator(self, url: str, *arguments: str) -> tuple[float, int]:
        """Run the command; return its processor time in seconds and its memory in bytes."""
        with started(self.project, url, *arguments) as process:
            text = process.stderr.read() if process.stderr else ""
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"migrator {' '.join(arguments)} ended with {process.returncode}\n{text}")
        return used.ru_utime + used.ru_stime, used.ru_maxrss * 1024

    def ours(self, plan: str, *options: str) -> Fill:
        """Return the fill that the command `migrator backfill` is."""

        def fill(url: str) -> Filled:
            spent = self.migrator(url, "backfill", plan, *options)
            with psycopg.connect(url) as connection:
                row = connection.execute(WHEN).fetchone()
                assert row
                return Filled(*row, *spent)

        return fill

    def describe(self) -> str:
        version = self._admin.info.server_version
        settings = ", ".join(f"{name} {value}" for name, value in SETTINGS.items())
        return f"PostgreSQL {version // 10000}.{version % 10000} ({settings}, fsync on)"

    @property
    def template(self) -> str:
        """The address of the template itself."""
        return self._at(TEMPLATE)

    def _size(self, url: str) -> int:
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT pg_relation_size('items')").fetchone()
            assert row
            return int(row[0])

    def _at(self, database: str) -> str:
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{database}"))


def started(project: Path, url: str, *arguments: str) -> subprocess.Popen[str]:
    """Start the command in a project, on a database."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MIGRATOR_")}
    return subprocess.Popen(
        [sys.executable, "-m", "migrator", *arguments],
        cwd=project,
        env={**environment, "DATABASE_URL": url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
