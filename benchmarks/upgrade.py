"""Whole-process time of ``migrator upgrade`` against ``alembic upgrade`` on empty databases, runs taken in turn.

``python benchmarks/upgrade.py`` measures the catalog; further arguments are names of published histories, as
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

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from migrator.postgres.server.embedded import embedded  # noqa: E402 - the tests' folder is no package
from tests.histories.installed import CACHE, Installed, install  # noqa: E402
from tests.histories.published import HISTORIES  # noqa: E402
from tests.support.databases import Database, Databases  # noqa: E402

GOAL = 1.3
Command = Callable[[Database], tuple[list[str], dict[str, str]]]


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("histories", nargs="*", metavar="HISTORY", help=", ".join(HISTORIES))
    arguments.add_argument("--runs", type=int, default=7)
    arguments.add_argument("--cache", type=Path, default=CACHE)
    given = arguments.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder, embedded(Path(folder) / "pg", fsync=False) as url:
        with psycopg.connect(url) as connection:
            version = connection.info.server_version // 10000
            print(f"PostgreSQL {version}, {given.runs} runs each, median (fastest, CPU)")
        ratios = [_measure("catalog", _catalog("alembic"), _catalog("migrator"), url, given.runs)]
        for name in given.histories:
            installed = install(HISTORIES[name], given.cache)
            ratios.append(_measure(name, _plain(installed), _online(installed), url, given.runs))
    return 0 if max(ratios) <= GOAL else 1


@dataclass(frozen=True, slots=True)
class Spent:
    """What one process took, in seconds: `wall` from start to end, `own` of the processor by itself."""

    wall: float
    own: float


def _measure(name: str, alembic: Command, migrator: Command, url: str, runs: int) -> float:
    databases = Databases(url, "bench")
    spent: dict[str, list[Spent]] = {"alembic": [], "migrator": []}
    try:
        for number in range(runs + 1):
            for tool, command in (("alembic", alembic), ("migrator", migrator)):
                one = _timed(command, databases)
                if number:  # the first run of each fills the caches of the file system
                    spent[tool].append(one)
    finally:
        databases.close()
    return _shown(name, spent)


def _shown(name: str, spent: dict[str, list[Spent]]) -> float:
    wall = {tool: statistics.median(one.wall for one in ones) for tool, ones in spent.items()}
    own = {tool: statistics.median(one.own for one in ones) for tool, ones in spent.items()}
    fastest = {tool: min(one.wall for one in ones) for tool, ones in spent.items()}
    shown = (f"{tool} {wall[tool]:.2f} s ({fastest[tool]:.2f}, CPU {own[tool]:.2f})" for tool in spent)
    ratios = [measure["migrator"] / measure["alembic"] for measure in (wall, fastest, own)]
    print(f"{name}: {', '.join(shown)}; ratio {ratios[0]:.2f} ({ratios[1]:.2f}, CPU {ratios[2]:.2f})", flush=True)
    return ratios[0]


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
