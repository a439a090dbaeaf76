"""Measures the backfill against one large UPDATE: how fast it is, and what an application beside it notices.

    python -m benchmarks.backfill [--rows N] [--rounds N] [--pgroll BINARY]

Every measurement starts from a copy of the same database. One large UPDATE runs before and after each variant, because
a machine is not as fast at all times; what counts is the ratio to those two. Writes benchmarks/results/backfill.md.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from benchmarks.backfill_bench import RATE, SETTINGS, Bench, Fill, Filled, Measured, Traffic
from benchmarks.machine import machine
from migrator.postgres.server.embedded import embedded

RESULTS = Path(__file__).parent / "results" / "backfill.md"
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
ADD_TAGS = {
    "operations": [
        {
            "add_column": {
                "table": "items",
                "up": "string_to_array(legacy_tags, ',')",
                "column": {"name": "tags", "type": "text[]", "nullable": True},
            }
        }
    ]
}
BLOAT = 1.6
CHUNKS = "chunk_rows: 10000\n      fixed: true"
PLANS = {
    "chunks": CHUNKS,
    "adaptive": "chunk_target: 500ms",
    "vacuumed": f"{CHUNKS}\n      throttle: {{bloat: {BLOAT}}}",
}
IDLE = 10.0  # seconds of traffic alone
TITLE = """\
# Backfill against one UPDATE

{rows:,} rows of about 200 bytes, a primary key and one more index, {rounds} rounds; medians. The ratio is to the mean
of the large UPDATEs before and after. {rate} single-row statements a second beside it for the last column, reads and
updates in turn, in a run of its own; without any backfill their p99 is {idle:.1f} ms. Growth is that of the table's own
file. The client's processor time is a share of the server's, without the {start:.1f} s of a command with nothing to do.
Written by `make bench-backfill`.

{when:%Y-%m-%d}; {where}; {server}; Python {python}

| variant | rows/s | ratio to one UPDATE | growth | client's processor time | p99 beside it |
|---|---|---|---|---|---|"""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to fill the column."""

    name: str
    fill: Fill
    plan: str | None = "chunks"
    """The plan whose expand phase adds the column; None where the way adds it itself."""


def giant(url: str) -> Filled:
    with psycopg.connect(url, autocommit=True) as connection:
        began = time.time()
        connection.execute(GIANT)
        return Filled(began, time.time())


def touching(url: str) -> Filled:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TRIGGER)
        began, last = time.time(), 0
        while last is not None:
            (last,) = connection.execute(TOUCH, (last,)).fetchone() or (None,)
        return Filled(began, time.time())


def pgroll(binary: Path, folder: Path) -> Fill:
    """Return what pgroll itself does, with its own batches of 1,000 rows: from `start`, which fills, to its end."""

    def fill(url: str) -> Filled:
        def run(*arguments: str) -> None:
            command = [str(binary), "--postgres-url", f"{url}?sslmode=disable", *arguments]
            subprocess.run(command, check=True, capture_output=True)

        migration = folder / "tags.json"
        migration.write_text(json.dumps(ADD_TAGS))
        run("init")
        run("baseline", "00_before", str(folder), "--yes")
        began = time.time()
        run("start", str(migration))
        ended = time.time()
        run("complete")
        return Filled(began, ended)

    return fill


def held(fill: Fill) -> Fill:
    """Return the same beside a snapshot as old as itself, so that no old row version becomes room for a new one."""

    def both(url: str) -> Filled:
        with psycopg.connect(url) as old:
            old.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            old.execute("SELECT 1")
            return fill(url)

    return both


def variants(bench: Bench, binary: Path | None) -> list[Variant]:
    found = [
        Variant("migrator, 1 worker, chunks of 10,000", bench.ours("chunks")),
        Variant("migrator, 1 worker, chunks of 500 ms", bench.ours("adaptive"), "adaptive"),
        Variant("migrator, 2 workers, chunks of 10,000", bench.ours("chunks", "--workers", "2")),
        Variant(f"migrator, 1 worker, bloat limit {BLOAT}", bench.ours("vacuumed"), "vacuumed"),
        Variant("migrator, 1 worker, beside an old snapshot", held(bench.ours("chunks"))),
        Variant("pgroll's statements, 1,000 rows", touching),
    ]
    return [*found, Variant("pgroll itself", pgroll(binary, bench.project), None)] if binary else found


def rows_of(bench: Bench, everyone: list[Variant], rounds: int, start: float) -> Iterator[str]:
    """Yield the rows of the table, once all is measured."""
    large, ratios = Variant("one UPDATE", giant), dict[str, list[float]]()
    found: dict[str, list[Measured]] = {large.name: [bench.measure(giant, large.plan)]}
    for _ in range(rounds):
        for one in everyone:
            found.setdefault(one.name, []).append(bench.measure(one.fill, one.plan))
            found[large.name].append(bench.measure(giant, large.plan))
            beside = statistics.mean(each.rows_per_second for each in found[large.name][-2:])
            ratios.setdefault(one.name, []).append(found[one.name][-1].rows_per_second / beside)
            say(f"{one.name}: {ratios[one.name][-1]:.2f} of one UPDATE")
    for one in (large, *everyone):
        every = found[one.name]
        share = statistics.median((each.filled.processor - start) / each.server_processor for each in every)
        cells = [
            one.name,
            f"{statistics.median(each.rows_per_second for each in every):,.0f}",
            f"{statistics.median(ratios[one.name]):.2f}" if one.name in ratios else "1",
            f"{statistics.median(each.growth for each in every):.2f}",
            f"{share:.1%}" if every[0].filled.processor else "",
            f"{bench.p99(one.fill, one.plan):,.0f} ms",
        ]
        yield f"| {' | '.join(cells)} |"


def start_up(bench: Bench) -> float:
    """Return the processor time of a `migrator backfill` that has nothing to do."""
    with bench.copy() as url:
        bench.migrator(url, "apply", "chunks")
        return statistics.median(bench.migrator(url, "backfill", "chunks")[0] for _ in range(3))


def idle(bench: Bench) -> float:
    """Return the p99 of the traffic alone, in milliseconds."""
    with bench.copy() as url:
        traffic = Traffic(url, bench.rows)
        with traffic.running():
            time.sleep(IDLE)
    return traffic.p99(0, time.time())


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backfill", description="Measure the backfill.")
    parser.add_argument("--rows", type=int, default=2_000_000, help="default: 2,000,000")
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    parser.add_argument("--pgroll", type=Path, metavar="BINARY", help="measure this too")
    arguments = parser.parse_args()
    where, when = machine(), datetime.now(tz=UTC)
    with tempfile.TemporaryDirectory(prefix="migrator-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # started by root, the server runs as another user
        (folder / "project").mkdir()
        with embedded(folder / "pg", settings=SETTINGS) as url:
            bench = Bench(url, folder / "project", arguments.rows)
            bench.prepare(PLANS)
            everyone = variants(bench, arguments.pgroll)
            start, alone = start_up(bench), idle(bench)
            title = TITLE.format(
                rows=arguments.rows, rounds=arguments.rounds, rate=RATE, idle=alone, start=start, when=when,
                where=where, server=bench.describe(), python=platform.python_version(),
            )  # fmt: skip
            text = "\n".join([title, *rows_of(bench, everyone, arguments.rounds, start)]) + "\n"
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(text)
    print(text, end="")


if __name__ == "__main__":
    main()
