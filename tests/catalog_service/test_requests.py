"""What surrounds a request: sessions that do not leak, ids in and out, metrics and readiness."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, text
from structlog.testing import capture_logs

from catalog_service.settings import Settings, SettingsError
from catalog_service.web.clients import client as recognise
from catalog_service.worker import backfill
from tests.catalog_service.conftest import build, parts
from tests.support.cli import run_cli
from tests.support.databases import Database, Templates
from tools.stack import ROOT


def test_nothing_of_a_session_outlives_its_request_whether_it_failed_or_not(
    app: Flask, product: dict[str, Any]
) -> None:
    catalog, seen = parts(app), []

    @app.get("/probe/<how>")
    def probe(how: str) -> str:
        session = catalog.sessions.scoped()
        seen.append(session)
        session.execute(text("INSERT INTO categories (slug, name) VALUES ('probe', 'Probe')"))
        if how == "fails":
            raise RuntimeError("on purpose")
        return "fine"

    client = app.test_client()
    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(lambda how: app.test_client().get(f"/probe/{how}").status_code, ["works", "fails"] * 1))
    assert codes == [200, 500]
    assert client.get("/probe/works").status_code == 200
    assert len(seen) == len({id(session) for session in seen}) == 3
    assert not any(session.in_transaction() for session in seen)
    assert len(catalog.sessions.scoped.registry.registry) == 0  # type: ignore[attr-defined]  # of ScopedRegistry
    assert catalog.sessions.engines["primary"].pool.checkedout() == 0  # type: ignore[attr-defined]  # of QueuePool
    with catalog.sessions.engines["primary"].connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM categories WHERE slug = 'probe'")).scalar() == 0


def test_the_request_id_comes_back_and_is_a_comment_in_every_statement(app: Flask) -> None:
    statements: list[str] = []
    engine = parts(app).sessions.engines["primary"]
    event.listen(engine, "after_cursor_execute", lambda _c, _k, statement, *_: statements.append(statement))
    client = app.test_client()
    client.get("/v1/products/1")
    statements.clear()
    answer = client.get("/v1/products/1", headers={"X-Request-ID": "abc-123"})
    assert answer.headers["X-Request-ID"] == "abc-123"
    assert statements
    assert all(statement.endswith("/* request_id=abc-123 */") for statement in statements)


@pytest.mark.parametrize("given", ["*/ DROP TABLE products; /*", "x" * 65, ""])
def test_a_request_id_that_could_end_the_comment_is_replaced(client: FlaskClient, given: str) -> None:
    answer = client.get("/v1/products/1", headers={"X-Request-ID": given})
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["X-Request-ID"])


def test_metrics_go_by_route_template(client: FlaskClient) -> None:
    client.get("/v1/products/1")
    client.get("/v1/products/2")
    found = client.get("/metrics").text
    assert 'catalog_request_seconds_count{method="GET",route="/v1/products/<int:product_id>",status="200"} 2.0' in found
    assert "catalog_request_queries_bucket" in found
    assert 'catalog_pool_connections{server="primary"}' in found


def test_a_method_that_nobody_knows_makes_no_metric_of_its_own(client: FlaskClient) -> None:
    for method in ("BREW", "WHEN"):
        assert client.open("/v1/products", method=method).status_code == 405
    found = client.get("/metrics").text
    assert 'catalog_request_seconds_count{method="other",route="none",status="405"} 2.0' in found
    assert "BREW" not in found


def test_a_cookie_of_somebody_else_that_is_no_text_does_no_harm(client: FlaskClient) -> None:
    assert client.get("/v1/products/1", headers={"Cookie": "catalog_wrote=\xff"}).status_code == 200
    left = client.post("/v1/products/1/reviews", json={"rating": 5}).headers["Set-Cookie"].partition(";")[0]
    with client.application.test_request_context(headers={"Cookie": f"other=\xff; {left}"}):
        assert recognise().fresh


def test_ready_says_what_works_and_where_migrations_stand(client: FlaskClient, catalog_database: Database) -> None:
    assert client.get("/livez").status_code == 200
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json["revision"], ready.json["runs"]) == (200, "0d7e3c51ba98", [])
    with catalog_database.connect() as connection:
        connection.execute("CREATE SCHEMA migrator")
        connection.execute("CREATE TABLE migrator.runs (id int, plan text, state text)")
        connection.execute("INSERT INTO migrator.runs VALUES (1, 'a', 'complete'), (2, 'b', 'waiting')")
    assert client.get("/readyz").json["runs"] == [{"plan": "b", "state": "waiting"}]


def test_without_a_database_it_lives_and_is_not_ready_and_says_so_as_a_problem(make_app: Callable[..., Flask]) -> None:
    client = make_app("postgresql://postgres@127.0.0.1:1/none").test_client()
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 503
    answer = client.get("/v1/products")
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "CATALOG_DATABASE_URL is not set"),
        ({"DATABASE_URL": "x"}, "CATALOG_SECRET_KEY is not set"),
        ({"DATABASE_URL": "x", "CATALOG_SECRET_KEY": "s", "CATALOG_TYPO": "1"}, "unknown setting CATALOG_TYPO"),
        ({"DATABASE_URL": "x", "CATALOG_SECRET_KEY": "s", "CATALOG_POOL_SIZE": "many"}, "is no int"),
        ({"DATABASE_URL": "x", "CATALOG_SECRET_KEY": "s", "CATALOG_OWN_WRITES_WINDOW": "1"}, "must be longer"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(environment: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Settings.from_environment(environment)


def test_a_slow_statement_is_logged_with_its_plan_and_without_its_values(
    make_app: Callable[..., Flask], catalog_database: Database
) -> None:
    app = make_app(catalog_database, slow_query=0.0, slow_query_sample=1)
    with capture_logs() as logged:
        assert app.test_client().get("/v1/search?tag=of-a-customer").status_code == 200
    slow = [one for one in logged if one["event"] == "slow statement"]
    searched = next(one for one in slow if "FROM products" in one["sql"])
    assert json.loads(searched["plan"])[0]["Plan"]["Node Type"]
    assert "of-a-customer" not in searched["sql"]


def test_the_worker_runs_the_backfill_of_a_plan(
    database_from: Callable[[str], Database], templates: Templates, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = database_from(templates.get("service before tags", lambda one: build(one, "product-tags")))
    run_cli(["apply", "product-tags", "--to", "expand", "--yes"], cwd=ROOT, env={"DATABASE_URL": database.url})
    for name, value in {"CATALOG_DATABASE_URL": database.url, "CATALOG_SECRET_KEY": "of a test"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(ROOT)
    backfill("product-tags")
    with database.connect() as connection:
        found = (
            "SELECT count(*) FILTER (WHERE tags IS NULL) = 0, count(*) > 0 FROM products WHERE legacy_tags IS NOT NULL"
        )
        assert connection.execute(found).fetchone() == (True, True)
