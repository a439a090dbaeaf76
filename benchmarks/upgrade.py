"""Whole-process time of ``migrator upgrade`` against ``alembic upgrade`` on empty databases, runs taken in turn.

``python -m benchmarks.upgrade`` measures the catalog, and the published histories that its arguments name, as
``python -m tests.histories`` knows them. The goal is at most 1.3 times Alembic's time.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.machine import machine
from migrator.postgres.server.embedded import embedded
from tests.histories.installed import CACHE, Installed, install
from tests.histories.published import HISTORIES
from tests.support.databases import Database, Databases

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results" / "upgrade.md"
TITLE = """\
# `migrator upgrade` against `alembic upgrade`

Whole processes on empty databases, taken in turn, {runs} runs of each. In each cell: Alembic's time, migrator's, and
their ratio, which is to be 1.3 at most. Written by `make bench-upgrade`.

{where}; PostgreSQL {version}, fsync off; Python {python}

| history | median | fastest | processor, median |
|---|---|---|---|"""
Command = Callable[[Database], tuple[list[str], dict[str, str]]]


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("histories", nargs="*", metavar="HISTORY", help=", ".join(HISTORIES))
    arguments.add_argument("--runs", type=int, default=7)
    arguments.add_argument("--cache", type=Path, default=CACHE)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, embedded(Path(folder) / "pg", fsync=False) as url:
        with psycopg.connect(url) as connection:
            version = connection.info.server_version // 10000
        lines = [TITLE.format(runs=given.runs, where=machine(), version=version, python=platform.python_version())]
        results = {"catalog": _measure(_catalog("alembic"), _catalog("migrator"), url, given.runs)}
        for name in given.histories:
            installed = install(HISTORIES[name], given.cache)
            results[name] = _measure(_plain(installed), _online(installed), url, given.runs)
    lines += [_row(name, *spent) for name, spent in results.items()]
    RESULTS.write_text("\n".join(lines) + "\n")
    print(RESULTS.read_text(), end="")
    return 0


@dataclass(frozen=True, slots=True)
class Spent:
    """What one process took, in seconds: `wall` from start to end, `own` of the processor by itself."""

    wall: float
    own: float


def _measure(alembic: Command, migrator: Command, url: str, runs: int) -> tuple[list[Spent], list[Spent]]:
    """Return what each run of either took, but for the first, which fills the caches of the file system."""
    databases = Databases(url, "bench")
    plain, online = [], []
    try:
        for _ in range(runs + 1):
            plain.append(_timed(alembic, databases))
            online.append(_timed(migrator, databases))
    finally:
        databases.close()
    return plain[1:], online[1:]


def _row(name: str, plain: list[Spent], online: list[Spent]) -> str:
    cells = [name]
    for measure in (
        lambda spent: statistics.median(one.wall for one in spent),
        lambda spent: min(one.wall for one in spent),
        lambda spent: statistics.median(one.own for one in spent),
    ):
        one, other = measure(plain), measure(online)
        cells.append(f"{one:.2f} s, {other:.2f} s: {other / one:.2f}")
    return f"| {' | '.join(cells)} |"


def _timed(command: Command, databases: Databases) -> Spent:
    database = databases.create()
    program, environ = command(database)
    before, started = _processor(), time.perf_counter()
    subprocess.run(program, cwd=ROOT, env={**os.environ, **environ}, check=True, capture_output=True)
    spent = Spent(time.perf_counter() - started, _processor() - before)
    databases.drop(database)
    return spent


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _catalog(tool: str) -> Command:
    def command(database: Database) -> tuple[list[str], dict[str, str]]:
        program = str(Path(sys.executable).parent / tool)
        options = ["-c", "catalog_schema/alembic.ini"] if tool == "alembic" else []
        return [program, *options, "upgrade", "head"], {"DATABASE_URL": database.url}

    return command


def _plain(installed: Installed) -> Command:
    def command(database: Database) -> tuple[list[str], dict[str, str]]:
        installed.start(database.url)
        return installed.alembic("heads"), installed.environ(database.url)

    return command


def _online(installed: Installed) -> Command:
    def command(database: Database) -> tuple[list[str], dict[str, str]]:
        installed.start(database.url)
        return installed.migrator("heads", database.url), installed.environ(database.url)

    return command


if __name__ == "__main__":
    sys.exit(main())
