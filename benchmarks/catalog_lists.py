"""The list queries of the catalog service before and after plan 7: plans, times and numbers of statements.

    python -m benchmarks.catalog_lists [--products N]

Before: the indexes that were there, and children loaded one product at a time. After: the indexes of the plan, and
children loaded with the list. Fails if a list does not use the index that was made for it. Writes
benchmarks/results/catalog_lists.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import quantiles
from typing import Any

import psycopg
from sqlalchemy import Engine, Select, create_engine, event
from sqlalchemy.orm import Session

from catalog_schema.load.shapes import PLANS
from catalog_schema.seed import Sizes
from catalog_schema.seed import load as seed
from catalog_service.repositories import reviews
from catalog_service.repositories.engines import normalised
from catalog_service.repositories.products import Filters, Products
from catalog_service.repositories.shape import Shape
from migrator.postgres.server.embedded import embedded
from tests.catalog import plain_plans
from tests.catalog.alembic_steps import BASELINE, upgrade

_ROUNDS = 40
_LIMIT = 20
_RESULTS = Path(__file__).parent / "results" / "catalog_lists.json"
_POSTGRES = {"shared_buffers": "256MB", "max_wal_size": "8GB", "synchronous_commit": "off"}

Make = Callable[[Session, int], Select[Any]]


def _list(**filters: Any) -> Make:
    def make(session: Session, number: int) -> Select[Any]:
        category = {"category": 2 + number % 200} if "category" in filters else {}
        wanted = Filters(**{**filters, **category})
        return Products(session, Shape(), lambda *_: None).page_statement(wanted, _LIMIT)

    return make


LISTS: dict[str, tuple[Make, set[str]]] = {
    "all, newest": (_list(), {"ix_products_newest"}),
    "category, newest": (_list(category=0), {"ix_products_category_newest"}),
    "category, cheapest": (_list(category=0, by_price=True), {"ix_products_category_price"}),
    # A tag that many products bear is found soonest among the newest, a rare one through its own index.
    "search by tag": (_list(tag="sale"), {"ix_products_tags", "ix_products_newest"}),
    "search by tag and category": (
        _list(tag="sale", category=0),
        {"ix_products_tags", "ix_products_category_newest"},
    ),
    "reviews of a product": (
        lambda _, number: reviews.page_statement(1 + number * 13, None, _LIMIT),
        {"ix_reviews_product_newest"},
    ),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.catalog_lists", description=__doc__)
    parser.add_argument("--products", type=int, default=100_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="catalog-lists-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        with embedded(folder / "pg", fsync=False, settings=_POSTGRES) as url:
            results = _compare(url, arguments.products)
    document = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "date": time.strftime("%Y-%m-%d"),
        "products": arguments.products,
        "lists": results,
    }
    _RESULTS.write_text(json.dumps(document, indent=2) + "\n")
    return _judge(results)


def _compare(url: str, products: int) -> dict[str, dict[str, Any]]:
    upgrade(url, BASELINE)
    with psycopg.connect(url, autocommit=True) as connection:
        print(f"seeding {products:,} products", flush=True)
        seed(connection, Sizes.of(products), seed=1)
        for plan in PLANS[1:-1]:
            print(f"plan {plan}", flush=True)
            _run(url, connection, plan)
        connection.execute("VACUUM ANALYZE")
        engine = create_engine(normalised(url))
        before = dict(_measure(engine, lazily=True))
        print(f"plan {PLANS[-1]}", flush=True)
        _run(url, connection, PLANS[-1])
        connection.execute("ANALYZE")
        after = dict(_measure(engine, lazily=False))
        engine.dispose()
    return {name: {"before": before[name], "after": after[name]} for name in LISTS}


def _run(url: str, connection: psycopg.Connection, plan: str) -> None:
    for step in plain_plans.steps(plan):
        match step:
            case {"revision": revision}:
                upgrade(url, revision)
            case {"backfill": work}:
                plain_plans.backfill(connection, work)


def _measure(engine: Engine, *, lazily: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    sent: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _k, statement, *_: sent.append(statement))
    for name, (make, _) in LISTS.items():
        times = []
        sent.clear()
        for number in range(_ROUNDS):
            with Session(engine) as session:
                statement = make(session, number)
                began = time.perf_counter()
                _load(session, statement, lazily=lazily)
                times.append((time.perf_counter() - began) * 1000)
        queries = len(sent) / _ROUNDS
        cuts = quantiles(times, n=100)
        with Session(engine) as session:
            indexes = sorted(_indexes(session, make(session, 1)))
        yield name, {"p50_ms": round(cuts[49], 2), "p95_ms": round(cuts[94], 2), "queries": queries, "indexes": indexes}


def _load(session: Session, statement: Select[Any], *, lazily: bool) -> None:
    if not lazily or "reviews" in str(statement):
        session.execute(statement).all()
        return
    lazy = statement._generate()  # noqa: SLF001 - options can be added in public, not taken away
    lazy._with_options = ()  # noqa: SLF001
    for row in session.execute(lazy):
        assert row[0].category is None or row[0].category.name
        list(row[0].variants)


def _indexes(session: Session, statement: Select[Any]) -> set[str]:
    sent: list[tuple[str, Any]] = []

    def keep(_connection: Any, _cursor: Any, text: str, parameters: Any, *_: Any) -> None:
        sent.append((text, parameters))

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", keep)
    session.execute(statement)
    event.remove(engine, "before_cursor_execute", keep)
    text, parameters = sent[0]
    (plan,) = session.connection().exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {text}", parameters).one()
    return set(_names(plan[0]["Plan"]))


def _names(node: dict[str, Any]) -> Iterator[str]:
    if "Index Name" in node:
        yield node["Index Name"]
    for child in node.get("Plans", []):
        yield from _names(child)


def _judge(results: dict[str, dict[str, Any]]) -> int:
    bad = 0
    for name, (_, intended) in LISTS.items():
        used = set(results[name]["after"]["indexes"])
        good = bool(used & intended)
        bad += not good
        for when in ("before", "after"):
            one = results[name][when]
            print(
                f"{name:<28}{when:<8}p50 {one['p50_ms']:>9} ms  p95 {one['p95_ms']:>9} ms  {one['queries']:>5} queries"
            )
        print(f"{'':<28}{'good' if good else 'NOT the intended index'}: {', '.join(sorted(used))}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
