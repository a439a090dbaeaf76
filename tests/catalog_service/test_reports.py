"""The read model: follows SQL through the outbox, whatever is late, lost or down."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from catalog_service.repositories.documents import Reports
from tests.catalog_service.conftest import SECRET, parts
from tests.support.databases import Database
from tests.support.polling import wait_until
from tools.servers import Process, document_store, mongodb_url, redis_url, valkey

Json = dict[str, Any]


@pytest.fixture
def reported(catalog_database: Database, make_app: Callable[..., Flask], store_url: str) -> Iterator[Flask]:
    """An application whose jobs nobody does, so that a test can do them when it wants to."""
    app = make_app(catalog_database, mongodb_url=store_url, mongodb_database=f"t{uuid.uuid4().hex[:12]}")
    yield app
    store(app).clear()


def store(app: Flask) -> Reports:
    found = parts(app).store
    assert found is not None
    return found


def run(app: Flask, *arguments: str) -> Any:
    return app.test_cli_runner().invoke(args=["catalog", *arguments])


def test_rebuilding_makes_a_report_on_every_product_and_leaves_no_difference(reported: Flask) -> None:
    assert run(reported, "reconcile").exit_code == 1
    rebuilt = run(reported, "rebuild-report")
    assert rebuilt.exit_code == 0, rebuilt.output
    assert run(reported, "reconcile").output == "0 differences\n"
    client = reported.test_client()
    from_store = client.get("/v1/reports/products?limit=50").json
    assert from_store["items"]
    assert parts(reported).metrics.registry.get_sample_value("catalog_report_fallbacks_total") == 0


def test_the_store_and_sql_give_the_same_page(
    reported: Flask, catalog_database: Database, make_app: Callable[..., Flask]
) -> None:
    run(reported, "rebuild-report")
    from_sql = make_app(catalog_database).test_client().get("/v1/reports/products?limit=50").json
    assert reported.test_client().get("/v1/reports/products?limit=50").json == from_sql


def test_a_write_reaches_the_report_through_the_outbox_and_a_removal_does_too(reported: Flask, product: Json) -> None:
    client, catalog = reported.test_client(), parts(reported)
    number = client.post("/v1/products", json=product).json["id"]
    client.post(f"/v1/products/{number}/reviews", json={"rating": 4})
    with reported.app_context():
        assert catalog.reports.sweep() == 1
        assert catalog.reports.sweep() == 0
    report = store(reported).get(number)
    assert report is not None
    assert (report.title, report.reviews, report.rating_total, report.version) == ("A lamp", 1, 4, 2)
    client.delete(f"/v1/products/{number}")
    with reported.app_context():
        assert catalog.reports.sweep() == 1
    assert store(reported).get(number) is None


def test_a_late_writer_undoes_nothing_and_raises_no_one_from_the_dead(reported: Flask, product: Json) -> None:
    client, catalog = reported.test_client(), parts(reported)
    number = client.post("/v1/products", json=product).json["id"]
    with reported.app_context():
        catalog.reports.sweep()
    old = store(reported).get(number)
    assert old is not None
    client.put(f"/v1/products/{number}", json={**product, "title": "Newer"})
    with reported.app_context():
        catalog.reports.sweep()
    store(reported).upsert(old)
    newer = store(reported).get(number)
    assert newer is not None
    assert newer.title == "Newer"
    client.delete(f"/v1/products/{number}")
    with reported.app_context():
        catalog.reports.sweep()
    store(reported).upsert(newer)
    assert store(reported).get(number) is None


def test_a_rebuild_restores_what_was_damaged_and_buries_what_is_gone(
    reported: Flask, catalog_database: Database
) -> None:
    run(reported, "rebuild-report")
    with catalog_database.connect() as connection:
        connection.execute("DELETE FROM variants WHERE product_id = 5")
        connection.execute("DELETE FROM products WHERE id = 5")  # by somebody who knows nothing of the service
        connection.execute("UPDATE products SET title = 'Changed' WHERE id = 6")
    damaged = store(reported).get(8)
    assert damaged is not None
    store(reported).upsert(damaged.model_copy(update={"title": "Damaged"}))
    assert "3 differences" in run(reported, "reconcile").output
    assert run(reported, "rebuild-report").exit_code == 0
    assert run(reported, "reconcile").output == "0 differences\n"


def test_a_report_that_cannot_be_read_is_made_from_sql_until_a_rebuild(reported: Flask) -> None:
    run(reported, "rebuild-report")
    client, collection = reported.test_client(), store(reported)._collection
    expected = client.get("/v1/reports/products").json
    collection.update_one({"_id": expected["items"][0]["product_id"]}, {"$unset": {"title": ""}})
    assert client.get("/v1/reports/products").json == expected
    assert parts(reported).metrics.registry.get_sample_value("catalog_report_fallbacks_total") == 1
    assert run(reported, "rebuild-report").exit_code == 0
    assert run(reported, "reconcile").output == "0 differences\n"


def test_without_broker_and_store_writes_and_reports_go_on_and_the_outbox_keeps_what_is_owed(
    catalog_database: Database, make_app: Callable[..., Flask], product: Json
) -> None:
    nobody = "127.0.0.1:1"
    app = make_app(
        catalog_database, redis_url=f"redis://{nobody}/0", mongodb_url=f"mongodb://{nobody}/?directConnection=true"
    )
    client, registry = app.test_client(), parts(app).metrics.registry
    assert client.post("/v1/products", json=product).status_code == 201
    assert client.get("/v1/reports/products").status_code == 200
    assert registry.get_sample_value("catalog_unpublished_total") == 1
    assert registry.get_sample_value("catalog_report_fallbacks_total") == 1
    with catalog_database.connect() as connection:
        owed = connection.execute("SELECT count(*) FROM catalog_service.outbox WHERE version > published").fetchone()
    assert owed == (1,)


@pytest.fixture
def worker_environment(catalog_database: Database) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CATALOG_", "MIGRATOR_"))}
    return {**kept, "CATALOG_DATABASE_URL": catalog_database.url, "CATALOG_SECRET_KEY": SECRET}


@pytest.mark.slow
def test_broker_store_and_worker_are_killed_and_come_back_and_nothing_is_lost(
    catalog_database: Database,
    make_app: Callable[..., Flask],
    worker_environment: dict[str, str],
    product: Json,
    tmp_path: Path,
) -> None:
    broker, documents = valkey(tmp_path / "valkey"), document_store(tmp_path / "documents")
    addresses = {"redis_url": redis_url(broker), "mongodb_url": mongodb_url(documents)}
    worker = Process(
        [sys.executable, "-m", "celery", "-A", "catalog_service.worker", "worker", "-B", "--pool", "solo",
         "--schedule", str(tmp_path / "beat"), "--without-gossip", "--without-mingle"],
        0, tmp_path / "worker.log",
        {**worker_environment, **{f"CATALOG_{name.upper()}": value for name, value in addresses.items()}},
    )  # fmt: skip
    started = [broker, documents, worker]
    with catalog_database.connect() as connection:
        connection.execute("DELETE FROM variants WHERE product_id > 40")
        connection.execute("DELETE FROM products WHERE id > 40")
    try:
        for process in started:
            process.start()
        app = make_app(catalog_database, **addresses)
        assert run(app, "rebuild-report").exit_code == 0
        client = app.test_client()

        def write(title: str) -> int:
            answer = client.post("/v1/products", json={**product, "sku": uuid.uuid4().hex, "title": title})
            assert answer.status_code == 201
            return int(answer.json["id"])

        def converged() -> bool:
            with app.app_context():
                return not parts(app).reports.reconcile()

        write("all is well")
        wait_until(converged, message="the worker does its first job", timeout=30)
        worker.kill()
        write("while the worker was dead")
        broker.kill()  # and with it the job
        parts(app).queue._breaker._until = 0
        write("while the broker was dead")
        documents.kill()
        assert client.get("/v1/reports/products").status_code == 200
        write("while everything was dead")
        for process in (documents, broker, worker):
            process.start()
        wait_until(converged, message="the sweep finds what was lost", timeout=40, interval=0.2)
    finally:
        for process in reversed(started):
            process.kill()
