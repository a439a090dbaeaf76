"""What clients of the catalog service notice while its schema changes: all plans by migrator, and the same plainly.

    python -m benchmarks.catalog_load [--products N] [--clients N] [--seconds N] [--runs N] [--way migrator|plain|both]

A stack for each way in turn, with 16 clients at their natural rate (a pause of 0.1 to 0.3 s after every answer). Before
every plan there is a stretch at rest: `before` is all of these together, `during` is all plans, `after` is a stretch at
the end; so a machine that grows slower meanwhile, or a table that grows wider, is in both figures. What changes the
schema takes processor time only where nobody else wants it, and has imported what it needs before, as if it ran on a
machine of its own; what the server does for it does not. Of several runs the one whose ratio of p95 during and before
is the median is written to benchmarks/results/catalog_load.json, and the ratios of all.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
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
from multiprocessing.process import BaseProcess
from operator import itemgetter
from pathlib import Path
from statistics import quantiles
from typing import Any

import psycopg

import migrator.cli.main
import migrator.engine.run  # noqa: F401 - or each command would import them anew
from catalog_schema.load.shapes import PLANS
from migrator.check.rule import every_rule
from tests.catalog import plain_plans
from tests.catalog.alembic_steps import upgrade
from tests.support.victim import become_migrator
from tools.stack import ROOT, Stack, stop_on_signals

_MOVES = {
    "product-tags": "tags",
    "rename-column": "title",
    "price-numeric": "price",
    "split-description": "description",
}
_AT_THE_GATE = "SELECT FROM migrator.runs WHERE plan = %s AND state = 'waiting'"
_LOOK_SECONDS = 0.2
_RELEASE_SECONDS = 2.0
_WARM_SECONDS = 30.0  # until caches and prepared plans are what they are in the long run
_FORKS = multiprocessing.get_context("fork")
_RESULTS = Path(__file__).parent / "results" / "catalog_load.json"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.catalog_load", description=__doc__)
    parser.add_argument("--products", type=int, default=30_000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=15.0, help="at rest before every plan, and after the last")
    parser.add_argument("--runs", type=int, default=1, help="of every way, in turn")
    parser.add_argument("--way", choices=(*_WAYS, "both"), default="both")
    arguments = parser.parse_args()
    stop_on_signals()
    every_rule()
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in _WAYS if arguments.way in {way, "both"}}
    for way in [*found] * arguments.runs:
        found[way].append(_measure(arguments, _WAYS[way]))
        _show(way, found[way][-1])
        _write(arguments, found)
    return 0


def _write(arguments: argparse.Namespace, found: dict[str, list[dict[str, Any]]]) -> None:
    known = json.loads(_RESULTS.read_text())["ways"] if _RESULTS.exists() else {}
    for way, runs in found.items():
        if runs:
            inorder = sorted(runs, key=itemgetter("p95_ratio"))
            middle = inorder[(len(inorder) - 1) // 2]
            known[way] = {**middle, "p95_ratios": [run["p95_ratio"] for run in inorder]}
    document = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "date": time.strftime("%Y-%m-%d"),
        "products": arguments.products,
        "clients": arguments.clients,
        "load_average": [round(one, 1) for one in os.getloadavg()],
        "ways": known,
    }
    _RESULTS.write_text(json.dumps(document, indent=2) + "\n")


def _measure(arguments: argparse.Namespace, change: Callable[[Stack, str], None]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="catalog-load-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        log = folder / "requests"
        with Stack(folder, products=arguments.products, say=print) as stack, _clients(stack, arguments, log):
            time.sleep(_WARM_SECONDS)
            moments = [time.time()]
            for plan in PLANS[1:]:
                time.sleep(arguments.seconds)
                moments.append(time.time())
                print(plan, flush=True)
                _elsewhere(change, stack, plan)
                moments.append(time.time())
            time.sleep(arguments.seconds)
            moments.append(time.time())
            metrics = urllib.request.urlopen(f"{stack.url}/metrics").read().decode()
        requests = [json.loads(line) for line in log.read_text().splitlines()]
    stretches = list(pairwise(moments))
    found = {
        "before": _figures(requests, stretches[:-1:2]),
        "during": _figures(requests, stretches[1::2]),
        "after": _figures(requests, stretches[-1:]),
    }
    failures = [[name, error] for _, name, _, error in requests if error]
    return {
        **found,
        "p95_ratio": round(found["during"]["p95_ms"] / found["before"]["p95_ms"], 3),
        "failed": len(failures),
        "failures": failures[:5],
        "hit_rate": _hit_rate(metrics),
        "queries_per_request": _queries(metrics),
    }


def _elsewhere(change: Callable[[Stack, str], None], stack: Stack, plan: str) -> None:
    """Change the schema in a process that gives way to all others, as if on another machine."""
    process = _FORKS.Process(target=_yielding, args=(change, stack, plan))
    process.start()
    try:
        process.join()
    finally:
        process.terminate()
        process.join()
    if process.exitcode:
        raise RuntimeError(f"{plan} was not carried out")


def _yielding(change: Callable[[Stack, str], None], stack: Stack, plan: str) -> None:
    os.setsid()
    os.nice(19)
    # Linux weighs sessions first, and processes only within one of them.
    if (group := Path("/proc/self/autogroup")).exists():
        group.write_text("19")
    change(stack, plan)


def _figures(requests: list[Any], stretches: list[tuple[float, float]]) -> dict[str, Any]:
    within = [one for one in requests if any(begin <= one[0] < end for begin, end in stretches)]
    times = [ms for _, _, ms, _ in within]
    cuts = quantiles(times, n=100)
    return {
        "seconds": round(sum(end - begin for begin, end in stretches), 1),
        "requests": len(times),
        "failed": sum(1 for _, _, _, error in within if error),
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


def _by_migrator(stack: Stack, plan: str) -> None:
    """One `apply`, which waits at the gate until the readers are switched and somebody approves, as in a pipeline."""
    applying = _start(stack, "apply", plan, "--yes", "--wait-gate", "10m")
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        while connection.execute(_AT_THE_GATE, (plan,)).fetchone() is None and applying.is_alive():
            time.sleep(_LOOK_SECONDS)
    if applying.is_alive():
        if move := _MOVES.get(plan):
            for mode in ("both", "new"):
                _read(stack, move, mode)
                time.sleep(_RELEASE_SECONDS)
        _end(stack, _start(stack, "approve", plan, "--note", "readers are switched"))
    _end(stack, applying)


def _start(stack: Stack, *arguments: str) -> BaseProcess:
    """Start a command of migrator; it finds everything imported, as Alembic does that works plainly."""
    given = (ROOT, stack.database_url, [*arguments], _log(stack))
    process = _FORKS.Process(target=become_migrator, args=given, daemon=True)  # ends with us
    process.start()
    return process


def _end(stack: Stack, command: BaseProcess) -> None:
    command.join()
    if command.exitcode:
        raise RuntimeError(f"migrator ended with {command.exitcode}:\n{_log(stack).read_text()[-3000:]}")


def _log(stack: Stack) -> Path:
    return stack.folder / "migrator.log"


def _plainly(stack: Stack, plan: str) -> None:
    """Alembic to each revision, and one UPDATE for each backfill, as one would without a tool.

    Nothing writes both shapes meanwhile, so once the new one is written, the UPDATE runs again for the rows left out.
    """
    filled = []
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        for step in plain_plans.steps(plan):
            match step:
                case {"revision": revision}:
                    upgrade(stack.database_url, revision)
                case {"backfill": work}:
                    _fill(connection, work)
                    filled.append(work)
                case {"gate": _} if move := _MOVES.get(plan):
                    _read(stack, move, "new")
                    time.sleep(_RELEASE_SECONDS)
                    for work in filled:
                        _fill(connection, work)


def _fill(connection: psycopg.Connection, work: dict[str, Any]) -> None:
    """One statement, typed once more whenever a product that is deleted meanwhile makes it fail."""
    while True:
        try:
            return plain_plans.backfill(connection, work)
        except psycopg.errors.ForeignKeyViolation as error:
            print(f"once more: {error}", flush=True)


def _read(stack: Stack, move: str, mode: str) -> None:
    # As `flask catalog readers MOVE MODE` does, without the seconds of processor time that a command takes to start.
    with psycopg.connect(stack.database_url) as connection:
        connection.execute(
            "INSERT INTO catalog_service.readers VALUES (%s, %s) ON CONFLICT (move) DO UPDATE SET mode = excluded.mode",
            (move, mode),
        )


_WAYS: dict[str, Callable[[Stack, str], None]] = {"migrator": _by_migrator, "plain": _plainly}


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
