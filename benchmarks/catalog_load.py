"""What clients of the catalog service notice while its schema changes: all plans by migrator, and the same plainly.

    python -m benchmarks.catalog_load [--products N] [--clients N] [--seconds N] [--way migrator|plain|both]

Two stacks in turn, each with 16 clients at their natural rate (a pause of 0.1 to 0.3 s after every answer), through
three stretches: before, during the change, after. Writes benchmarks/results/catalog_load.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import quantiles
from typing import Any

import psycopg

from catalog_schema.load.shapes import PLANS
from tests.catalog import plain_plans
from tools.stack import ROOT, Stack, stop_on_signals

_MOVES = {
    "product-tags": "tags",
    "rename-column": "title",
    "price-numeric": "price",
    "split-description": "description",
}
_RELEASE_SECONDS = 2.0
_RESULTS = Path(__file__).parent / "results" / "catalog_load.json"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.catalog_load", description=__doc__)
    parser.add_argument("--products", type=int, default=30_000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=60.0, help="of the stretches before and after")
    parser.add_argument("--way", choices=("migrator", "plain", "both"), default="both")
    arguments = parser.parse_args()
    if arguments.way == "both":
        command = [sys.executable, "-m", "benchmarks.catalog_load", *sys.argv[1:]]
        return max(subprocess.call([*command, "--way", way]) for way in _WAYS)
    stop_on_signals()
    result = _measure(arguments, _WAYS[arguments.way])
    known = json.loads(_RESULTS.read_text())["ways"] if _RESULTS.exists() else {}
    document = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "date": time.strftime("%Y-%m-%d"),
        "products": arguments.products,
        "clients": arguments.clients,
        "load_average": [round(one, 1) for one in os.getloadavg()],
        "ways": {**known, arguments.way: result},
    }
    _RESULTS.write_text(json.dumps(document, indent=2) + "\n")
    _show(arguments.way, result)
    return 0


def _measure(arguments: argparse.Namespace, change: Callable[[Stack], None]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="catalog-load-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        log = folder / "requests"
        with Stack(folder, products=arguments.products, say=print) as stack, _clients(stack, arguments, log):
            os.nice(19)  # what changes the schema from here on would run on another machine
            time.sleep(arguments.seconds / 2)  # until caches and prepared plans are what they are in the long run
            moments = [time.time()]
            time.sleep(arguments.seconds)
            moments.append(time.time())
            change(stack)
            moments.append(time.time())
            time.sleep(arguments.seconds)
            moments.append(time.time())
            metrics = urllib.request.urlopen(f"{stack.url}/metrics").read().decode()
        requests = [json.loads(line) for line in log.read_text().splitlines()]
    stretches = zip(("before", "during", "after"), pairwise(moments), strict=True)
    found = {name: _figures(requests, begin, end) for name, (begin, end) in stretches}
    failures = [[name, error] for _, name, _, error in requests if error]
    return {
        **found,
        "p95_ratio": round(found["during"]["p95_ms"] / found["before"]["p95_ms"], 3),
        "failed": len(failures),
        "failures": failures[:10],
        "hit_rate": _hit_rate(metrics),
        "queries_per_request": _queries(metrics),
    }


def _figures(requests: list[Any], begin: float, end: float) -> dict[str, Any]:
    times = [ms for moment, _, ms, _ in requests if begin <= moment < end]
    failed = sum(1 for moment, _, _, error in requests if begin <= moment < end and error)
    cuts = quantiles(times, n=100)
    return {
        "seconds": round(end - begin, 1),
        "requests": len(times),
        "failed": failed,
        "p50_ms": round(cuts[49], 1),
        "p95_ms": round(cuts[94], 1),
        "p99_ms": round(cuts[98], 1),
        "max_ms": round(max(times), 1),
    }


@contextmanager
def _clients(stack: Stack, arguments: argparse.Namespace, log: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "locust", "-f", str(Path(__file__).with_name("catalog_locust.py"))]
    command += ["--headless", "-u", str(arguments.clients), "-r", str(arguments.clients), "--host", stack.url]
    environment = {**os.environ, "CATALOG_LOAD_LOG": str(log), "CATALOG_LOAD_PRODUCTS": str(arguments.products)}
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def _by_migrator(stack: Stack) -> None:
    for plan in PLANS[1:]:
        print(f"migrator apply {plan}", flush=True)
        stack.migrator("apply", plan, expect=3)
        if move := _MOVES.get(plan):
            for mode in ("both", "new"):
                _read(stack, move, mode)
                time.sleep(_RELEASE_SECONDS)
        stack.migrator("approve", plan, "--note", "readers are switched")
        stack.migrator("apply", plan, "--yes")


def _plainly(stack: Stack) -> None:
    """Alembic to each revision, and one UPDATE for each backfill, as one would without a tool.

    Nothing writes both shapes meanwhile, so once the new one is written, the UPDATE runs again for the rows left out.
    """
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        for plan in PLANS[1:]:
            print(f"alembic upgrade, {plan}", flush=True)
            filled = []
            for step in plain_plans.steps(plan):
                match step:
                    case {"revision": revision}:
                        plain_plans.upgrade(stack.database_url, revision)
                    case {"backfill": work}:
                        plain_plans.backfill(connection, work)
                        filled.append(work)
                    case {"gate": _} if move := _MOVES.get(plan):
                        _read(stack, move, "new")
                        time.sleep(_RELEASE_SECONDS)
                        for work in filled:
                            plain_plans.backfill(connection, work)


def _read(stack: Stack, move: str, mode: str) -> None:
    # As `flask catalog readers MOVE MODE` does, without the seconds of processor time that a command takes to start.
    with psycopg.connect(stack.database_url) as connection:
        connection.execute(
            "INSERT INTO catalog_service.readers VALUES (%s, %s) ON CONFLICT (move) DO UPDATE SET mode = excluded.mode",
            (move, mode),
        )


_WAYS: dict[str, Callable[[Stack], None]] = {"migrator": _by_migrator, "plain": _plainly}


def _hit_rate(metrics: str) -> float:
    counts = {"hit": 0.0, "miss": 0.0}
    for outcome, value in re.findall(r'catalog_cache_total\{kind="[^"]*",outcome="(hit|miss)"\} ([\d.e+]+)', metrics):
        counts[outcome] += float(value)
    return round(counts["hit"] / max(sum(counts.values()), 1.0), 3)


def _queries(metrics: str) -> float:
    count, total = (
        sum(float(value) for value in re.findall(rf"catalog_request_queries_{part}\{{[^}}]*\}} ([\d.e+]+)", metrics))
        for part in ("count", "sum")
    )
    return round(total / max(count, 1.0), 2)


def _show(name: str, result: dict[str, Any]) -> None:
    print(f"\n{name}: p95 during is {result['p95_ratio']} of before; {result['failed']} failed")
    for stretch in ("before", "during", "after"):
        print(f"  {stretch:<8}", "  ".join(f"{key} {value}" for key, value in result[stretch].items()))
    for failure in result["failures"]:
        print("  failed:", *failure)


if __name__ == "__main__":
    sys.exit(main())
