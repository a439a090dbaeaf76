"""Measures what must not depend on the number of rows: speed, memory, and how long a start and a resume take.

    python -m benchmarks.backfill_large [--rows N]

The same backfill on a tenth of the rows and on all of them. It is stopped half-way with SIGTERM and begun again; the
time is that from the start of the process to its first committed chunk. Writes benchmarks/results/backfill_large.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from benchmarks.backfill import CHUNKS
from benchmarks.backfill_bench import SETTINGS, Bench, started
from benchmarks.machine import machine
from migrator.postgres.server.embedded import embedded

RESULTS = Path(__file__).parent / "results" / "backfill_large.md"
DONE = "SELECT coalesce(sum(rows_done), 0)::bigint FROM migrator.slices"
LOOK = 0.01  # seconds
TITLE = """\
# The backfill of a large table

One worker, chunks of 10,000 rows of about 200 bytes; stopped half-way and begun again. Start and resume: from the start
of the process to its first committed chunk. Written by `make bench-backfill-large`.

{when:%Y-%m-%d}; {where}; {server}; Python {python}

| rows | rows/s | client's memory | start | resume |
|---|---|---|---|---|"""


@dataclass(frozen=True, slots=True)
class Leg:
    """One process: seconds to its first chunk and to its end, the rows it did, and its memory in bytes."""

    first: float
    seconds: float
    rows: int
    memory: int


def measure(rows: int) -> tuple[str, str]:
    """Return the row of the table for so many rows, and the server's description."""
    with tempfile.TemporaryDirectory(prefix="migrator-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "project").mkdir()
        with embedded(folder / "pg", settings=SETTINGS) as url:
            bench = Bench(url, folder / "project", rows)
            bench.prepare({"chunks": CHUNKS})
            there = bench.template
            bench.migrator(there, "apply", "chunks", "--to", "expand")
            legs = [leg(bench, there, until=rows // 2), leg(bench, there, until=rows)]
            server = bench.describe()
    speed = rows / sum(one.seconds - one.first for one in legs)
    memory = max(one.memory for one in legs) / 2**20
    return (
        f"| {rows:,} | {speed:,.0f} | {memory:,.0f} MB | {legs[0].first:.2f} s | {legs[1].first:.2f} s |",
        server,
    )


def leg(bench: Bench, url: str, *, until: int) -> Leg:
    """Run the command until so many rows are done."""
    with psycopg.connect(url, autocommit=True) as looking:

        def done() -> int:
            if looking.execute("SELECT to_regclass('migrator.slices')").fetchone() == (None,):
                return 0
            row = looking.execute(DONE).fetchone()
            assert row
            return int(row[0])

        before, began = done(), time.monotonic()
        with started(bench.project, url, "backfill", "chunks") as process:
            while (now := done()) == before:
                assert process.poll() is None, process.stderr.read() if process.stderr else ""
                time.sleep(LOOK)
            first = time.monotonic() - began
            while now < until and process.poll() is None:
                time.sleep(LOOK)
                now = done()
            if until < bench.rows:
                process.send_signal(signal.SIGTERM)
            if process.stderr:
                process.stderr.read()
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        return Leg(first, time.monotonic() - began, done() - before, used.ru_maxrss * 1024)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backfill_large", description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000_000, help="default: 20,000,000")
    arguments = parser.parse_args()
    where, when = machine(), datetime.now(tz=UTC)
    found = [measure(arguments.rows // 10), measure(arguments.rows)]
    title = TITLE.format(when=when, where=where, server=found[0][1], python=platform.python_version())
    RESULTS.write_text("\n".join([title, *(row for row, _ in found)]) + "\n")
    print(RESULTS.read_text(), end="")


if __name__ == "__main__":
    main()
