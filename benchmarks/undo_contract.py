"""What the application notices while contract is undone: a column of a million rows goes, and comes back as it was.

    python -m benchmarks.undo_contract [--products N] [--rate N]

The catalog's plan product-tags, its new application reading and writing all the while. Half of the rows are witnesses
that no request touches: their old column must hold what it held before contract. Of the sessions of the application
none may wait for one of migrator for longer than the lock timeout and 100 ms. Writes
benchmarks/results/undo_contract.json, and ends with 1 where a figure is not as it must be.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg

from catalog_schema.load import Load
from migrator.engine import run
from migrator.engine.approvals import approve
from migrator.engine.stop import Stop
from migrator.engine.target import Target, open_target
from migrator.plan import Phase, Plan, find_plan, load_plan
from migrator.postgres.server.embedded import embedded
from migrator.settings import load_settings
from tests.catalog import plain_plans
from tests.catalog.alembic_steps import ROOT
from tests.catalog.interference import Interference
from tests.support.databases import Database

PLAN = "product-tags"
SETTINGS = {"max_connections": "100", "shared_buffers": "256MB", "max_wal_size": "4GB"}
ALLOWED = 0.1  # seconds beyond the lock timeout
_RESULTS = Path(__file__).parent / "results" / "undo_contract.json"
_WITNESSES = """
    INSERT INTO products (sku, name, legacy_tags, price_cents, currency, category_id)
    SELECT 'WITNESS-' || id, name, legacy_tags, price_cents, currency, category_id FROM products
    WHERE sku NOT LIKE 'LOAD-%'
"""
_HELD = """
    SELECT count(*), md5(string_agg(sku || coalesce(legacy_tags, '~'), ';' ORDER BY sku COLLATE "C"))
    FROM products WHERE sku LIKE 'WITNESS-%'
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.undo_contract", description=__doc__)
    parser.add_argument("--products", type=int, default=1_000_000)
    parser.add_argument("--rate", type=float, default=160.0, help="requests per second")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="undo-contract-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with embedded(Path(folder) / "pg", settings=SETTINGS) as url:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("CREATE DATABASE measured TEMPLATE template0")
            figures = _measure(Database(url, "measured"), arguments)
    document = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "date": time.strftime("%Y-%m-%d"),
        "load_average": [round(one, 1) for one in os.getloadavg()],
        **figures,
    }
    _RESULTS.write_text(json.dumps(document, indent=2) + "\n")
    print(json.dumps(document, indent=2))
    right = figures["contents_equal"] and not figures["failures"] and not figures["lost"]
    return 0 if right and figures["longest_wait"] <= figures["lock_timeout"] + ALLOWED else 1


def _measure(database: Database, arguments: argparse.Namespace) -> dict[str, Any]:
    _say(f"making {arguments.products:,} products")
    plain_plans.build(database, PLAN, arguments.products // 2)
    settings = load_settings({"database_url": database.url}, environ={}, cwd=ROOT)
    plan = load_plan(find_plan(PLAN, settings.plans))
    connection = database.connect()
    with (
        open_target(settings, command="apply") as target,
        Load(database.url, PLAN, "old", rate=arguments.rate) as load,
        Interference(database.url) as interference,
    ):
        connection.execute(_WITNESSES)
        connection.execute("VACUUM (ANALYZE) products")
        _say("expand and migrate")
        _apply(target, plan, Phase.MIGRATE)
        load.switch("mixed")
        approve(target, plan, by="benchmark", note="")
        _apply(target, plan, Phase.MIGRATE)
        load.switch("new")
        (rows,) = connection.execute("SELECT count(*) FROM products").fetchone() or (0,)
        before = connection.execute(_HELD).fetchone()
        _say(f"contract of a column of {rows:,} rows")
        load.mark("contract")
        contract = _timed(lambda: _apply(target, plan, Phase.CONTRACT))
        _say("undoing it")
        load.mark("undo")
        undo = _timed(lambda: run.rollback(target, plan, to="migrate", emit=lambda _: None, stop=Stop()))
        load.mark("afterwards")
        after = connection.execute(_HELD).fetchone()
        results = load.stop()
    return {
        "rows": rows,
        "contract_seconds": round(contract, 1),
        "undo_seconds": round(undo, 1),
        "contents_equal": before == after,
        "witnesses": before[0] if before else 0,
        "lock_timeout": (plan.lock_timeout or settings.lock_timeout).total_seconds(),
        "longest_wait": round(interference.longest_wait[0], 3),
        "longest_wait_of": interference.longest_wait[1][:200],
        "writes": results.writes,
        "lost": results.lost,
        "failures": results.failures,
        "load": {name: _figures(asdict(results.buckets[name])) for name in ("contract", "undo", "afterwards")},
    }


def _figures(bucket: dict[str, Any]) -> dict[str, Any]:
    return {key: bucket[key] for key in ("requests", "failed", "p50", "p95", "p99", "max")}


def _apply(target: Target, plan: Plan, to: Phase) -> None:
    run.apply(target, plan, to=to, emit=lambda _: None, stop=Stop())


def _timed(work: Any) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def _say(words: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {words}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
