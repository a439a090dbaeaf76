"""Measures the backfill against one large UPDATE: how fast it is, and what an application beside it notices.

    python -m benchmarks.backfill [--rows N] [--rounds N]

Every measurement starts from a copy of the same database. One large UPDATE runs before and after each variant, because
a machine is not as fast at all times; what counts is the ratio to those two. Writes benchmarks/results/backfill.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from migrator.postgres.server.embedded import embedded

RESULTS = Path(__file__).parent / "results" / "backfill.md"
SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "8GB", "checkpoint_timeout": "30min"}
TEMPLATE = "bench"
TABLE = """
    CREATE TABLE items (id bigint PRIMARY KEY, owner int NOT NULL, legacy_tags text NOT NULL, note text NOT NULL);
    INSERT INTO items
    SELECT n, n % 1000, 'tag' || n % 7 || ',tag' || n % 11 || ',tag' || n % 13, repeat(md5(n::text), 4)
    FROM generate_series(1, {rows}) AS n;
    CREATE INDEX items_owner ON items (owner);
"""
GIANT = "UPDATE items SET tags = string_to_array(legacy_tags, ',')"

# The shape of pgroll's backfill: rows are touched in batches along the key, and a trigger computes the value.
TRIGGER = """
    CREATE FUNCTION compute() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.tags := string_to_array(NEW.legacy_tags, ','); RETURN NEW; END $$;
    CREATE TRIGGER compute BEFORE INSERT OR UPDATE ON items FOR EACH ROW EXECUTE FUNCTION compute();
"""
TOUCH = """
    WITH batch AS (SELECT id FROM items WHERE id > %s ORDER BY id LIMIT 1000 FOR NO KEY UPDATE),
         touched AS (UPDATE items SET id = items.id FROM batch WHERE items.id = batch.id RETURNING items.id)
    SELECT max(id) FROM touched
"""

# The command itself takes a second or two to start, in which it does nothing to the table.
WHEN = """
    SELECT extract(epoch FROM started_at)::float8, extract(epoch FROM finished_at)::float8
    FROM migrator.steps WHERE kind = 'backfill'
"""
PLAN = """\
plan: fill
expand:
  - revision: aa01
migrate:
  - backfill:
      table: items
      set: {tags: "string_to_array(legacy_tags, ',')"}
      where: tags IS NULL
"""
INI = "[alembic]\nscript_location = %(here)s\npath_separator = os\n"
ENV = """\
import os
from alembic import context
from sqlalchemy import create_engine

with create_engine(os.environ["DATABASE_URL"].replace("postgresql:", "postgresql+psycopg:")).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
REVISION = """\
from alembic import op

revision, down_revision = "aa01", None


def upgrade():
    op.execute("ALTER TABLE items ADD COLUMN tags text[]")


def downgrade():
    op.execute("ALTER TABLE items DROP COLUMN tags")
"""
RATE, CONNECTIONS = 100, 8
Window = tuple[float, float]
Fill = Callable[[str], Window]
"""Fills the column in the database at an address; returns when it began and ended, in seconds since 1970."""


@dataclass(slots=True)
class Updates:
    """Single-row updates that come in `RATE` times a second whatever becomes of them.

    `latencies` are in milliseconds, each with the time at which the update was due.
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
                    due = begun + next(arrivals) / RATE
                    time.sleep(max(0.0, due - time.time()))
                    row = random.randint(1, self.rows)
                    connection.execute("UPDATE items SET owner = owner + 1 WHERE id = %s", (row,))
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

    def p99(self, window: Window) -> float:
        began, ended = window
        return statistics.quantiles([latency for due, latency in self.latencies if began <= due <= ended], n=100)[98]


class Bench:
    """The server with the template, and one database at a time copied from it."""

    def __init__(self, url: str, project: Path, rows: int) -> None:
        self._admin = psycopg.connect(url, autocommit=True)
        self._url = url
        self.project = project
        self.rows = rows

    def prepare(self) -> None:
        """Make the template: the rows, and the plan applied up to where the backfill begins."""
        self._admin.execute(f"CREATE DATABASE {TEMPLATE}")
        with psycopg.connect(self._at(TEMPLATE), autocommit=True) as connection:
            for statement in TABLE.format(rows=self.rows).split(";"):
                connection.execute(sql.SQL(statement))
            connection.execute("VACUUM ANALYZE items")
        migrator(self.project, self._at(TEMPLATE), "apply", "fill", "--to", "expand")

    @contextmanager
    def copy(self) -> Iterator[str]:
        """Make a copy of the template and hand out its address."""
        self._admin.execute("DROP DATABASE IF EXISTS run WITH (FORCE)")
        self._admin.execute(f"CREATE DATABASE run TEMPLATE {TEMPLATE} STRATEGY file_copy")
        self._admin.execute("CHECKPOINT")
        yield self._at("run")
        with psycopg.connect(self._at("run")) as connection:
            assert connection.execute("SELECT count(*) FROM items WHERE tags IS NULL").fetchone() == (0,)

    def speed(self, fill: Fill) -> float:
        """Return rows per second."""
        with self.copy() as url:
            began, ended = fill(url)
        return self.rows / (ended - began)

    def p99(self, fill: Fill) -> float:
        """Return what a hundredth of the updates beside it waits for at least."""
        with self.copy() as url:
            updates = Updates(url, self.rows)
            with updates.running():
                window = fill(url)
        return updates.p99(window)

    def describe(self) -> str:
        version = self._admin.info.server_version
        settings = ", ".join(f"{name} {value}" for name, value in SETTINGS.items())
        return f"PostgreSQL {version // 10000}.{version % 10000} ({settings}, fsync on)"

    def _at(self, database: str) -> str:
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{database}"))


def migrator(project: Path, url: str, *arguments: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MIGRATOR_")}
    command = [sys.executable, "-m", "migrator", *arguments]
    done = subprocess.run(
        command, cwd=project, env={**environment, "DATABASE_URL": url}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with {done.returncode}\n{done.stderr}")


def giant(url: str) -> Window:
    with psycopg.connect(url, autocommit=True) as connection:
        began = time.time()
        connection.execute(GIANT)
        return began, time.time()


def touching(url: str) -> Window:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TRIGGER)
        began, last = time.time(), 0
        while last is not None:
            (last,) = connection.execute(TOUCH, (last,)).fetchone() or (None,)
        return began, time.time()


def ours(project: Path) -> Fill:
    def fill(url: str) -> Window:
        migrator(project, url, "backfill", "fill")
        with psycopg.connect(url) as connection:
            row = connection.execute(WHEN).fetchone()
            assert row
            return row

    return fill


def measure(bench: Bench, rounds: int) -> Iterator[str]:
    """Yield the report line by line, as it is measured."""
    fills = {"migrator backfill, 1 worker": ours(bench.project), "pgroll's statements, 1,000 rows": touching}
    speeds: dict[str, list[float]] = {name: [] for name in fills}
    ratios: dict[str, list[float]] = {name: [] for name in fills}
    giants = [bench.speed(giant)]
    for _ in range(rounds):
        for name, fill in fills.items():
            speeds[name].append(bench.speed(fill))
            giants.append(bench.speed(giant))
            ratios[name].append(speeds[name][-1] / statistics.mean(giants[-2:]))
            say(f"{name}: {speeds[name][-1]:,.0f} rows/s, {ratios[name][-1]:.2f} of one UPDATE")
    p99 = {"one UPDATE": bench.p99(giant), **{name: bench.p99(fill) for name, fill in fills.items()}}
    yield "| variant | rows/s (median) | ratio to one UPDATE (median) | p99 of updates beside it |"
    yield "|---|---|---|---|"
    yield f"| one UPDATE | {statistics.median(giants):,.0f} | 1 | {p99['one UPDATE']:,.0f} ms |"
    for name in fills:
        speed, ratio = statistics.median(speeds[name]), statistics.median(ratios[name])
        yield f"| {name} | {speed:,.0f} | {ratio:.2f} | {p99[name]:,.0f} ms |"


def write_project(folder: Path) -> None:
    for name, text in {
        "alembic.ini": INI,
        "env.py": ENV,
        "versions/aa01.py": REVISION,
        "plans/0001_fill.yaml": PLAN,
        "migrator.toml": 'alembic_ini = "alembic.ini"\nplans = "plans"\n',
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def machine() -> str:
    cpu = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        names = [
            line.partition(":")[2].strip() for line in information.read_text().splitlines() if "model name" in line
        ]
        cpu = names[0] if names else cpu
    return f"{cpu}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start"


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backfill", description="Measure the backfill.")
    parser.add_argument("--rows", type=int, default=2_000_000, help="default: 2,000,000")
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    arguments = parser.parse_args()
    where, when = machine(), datetime.now(tz=UTC)
    with tempfile.TemporaryDirectory(prefix="migrator-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # started by root, the server runs as another user
        write_project(folder / "project")
        with embedded(folder / "pg", settings=SETTINGS) as url:
            bench = Bench(url, folder / "project", arguments.rows)
            bench.prepare()
            table = list(measure(bench, arguments.rounds))
            server = bench.describe()
    lines = [
        "# Backfill against one UPDATE",
        "",
        f"{arguments.rows:,} rows of about 200 bytes, a primary key and one more index, {arguments.rounds} rounds.",
        f"{RATE} single-row updates a second beside it for the last column. Written by `make bench-backfill`.",
        "",
        f"{when:%Y-%m-%d}; {where}; {server}; Python {platform.python_version()}",
        "",
        *table,
    ]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
