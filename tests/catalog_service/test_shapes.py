"""The service on every schema the plans go through: the same answers, whichever column is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from catalog_schema.load.shapes import PLANS
from catalog_service.repositories.shape import MOVES, Shape, settle
from tests.catalog import plain_plans
from tests.catalog_service.conftest import build, parts
from tests.support.databases import Database, Templates

Json = dict[str, Any]
_TRIGGERS = """
CREATE FUNCTION follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.tags := coalesce(NEW.tags, string_to_array(NEW.legacy_tags, ','));
    NEW.legacy_tags := array_to_string(NEW.tags, ',');
  ELSIF NEW.legacy_tags IS DISTINCT FROM OLD.legacy_tags THEN
    NEW.tags := string_to_array(NEW.legacy_tags, ',');
  ELSIF NEW.tags IS DISTINCT FROM OLD.tags THEN
    NEW.legacy_tags := array_to_string(NEW.tags, ',');
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER follow BEFORE INSERT OR UPDATE ON products FOR EACH ROW EXECUTE FUNCTION follow();
"""


@pytest.fixture
def old_database(templates: Templates, database_from: Callable[[str], Database]) -> Database:
    """The catalog at its baseline."""
    return database_from(templates.get("service baseline", lambda database: build(database, PLANS[1])))


@pytest.fixture
def old(old_database: Database, make_app: Callable[..., Flask]) -> FlaskClient:
    return make_app(old_database).test_client()


def answers(client: FlaskClient) -> dict[str, Any]:
    """What a client sees of a catalog, apart from what it writes itself."""
    category = (
        client.get("/v1/products/1").json["category"]["id"] if client.get("/v1/products/1").json["category"] else 3
    )
    paths = [
        "/v1/products?limit=100",
        f"/v1/categories/{category}/products?sort=price",
        "/v1/categories/1/products",
        "/v1/search?tag=sale&min_price=5.00",
        "/v1/reports/products?limit=50",
        *(f"/v1/products/{product}" for product in range(1, 40)),
        *(f"/v1/products/{product}/reviews" for product in range(1, 40)),
    ]
    found = {path: client.get(path) for path in paths}
    assert {one.status_code for one in found.values()} <= {200, 404}, {
        path: one.text for path, one in found.items() if one.status_code not in (200, 404)
    }
    # Only what varies from request to request by intention is left out.
    return {path: {k: v for k, v in one.json.items() if k not in ("request_id", "next")} for path, one in found.items()}


def write(client: FlaskClient, product: Json) -> None:
    """Every kind of write, checked by reading it back."""
    added = client.post("/v1/products", json=product)
    assert added.status_code == 201, added.text
    path = f"/v1/products/{added.json['id']}"
    changed = {**product, "title": "Other", "tags": ["one", "two"], "price": "3.40", "description": None}
    replaced = client.put(path, json=changed)
    assert replaced.status_code == 200, replaced.text
    assert client.get(path).json == replaced.json
    assert {name: replaced.json[name] for name in ("title", "tags", "price", "description")} == {
        "title": "Other",
        "tags": ["one", "two"],
        "price": "3.40",
        "description": None,
    }
    assert client.post(f"{path}/reviews", json={"rating": 4}).status_code == 201
    assert client.delete(path).status_code == 204


def test_answers_stay_the_same_through_every_plan_and_writes_work_in_every_shape(
    old: FlaskClient, old_database: Database, product: Json
) -> None:
    before = answers(old)
    for name in PLANS[1:]:
        write(old, product)
        plain_plans.run(old_database, name)  # the columns change beneath a running service, contract included
        assert answers(old) == before, name
    write(old, product)


@pytest.mark.parametrize("mode", ["old", "both", "new"])
def test_during_a_plan_each_mode_reads_and_writes_the_same(
    old: FlaskClient, old_database: Database, product: Json, mode: Any
) -> None:
    before = answers(old)
    revision, _, backfill, *_ = plain_plans.steps("product-tags")
    plain_plans.upgrade(old_database.url, revision["revision"])
    with old_database.connect() as connection:
        connection.execute(_TRIGGERS)
        plain_plans.backfill(connection, backfill["backfill"])
    parts(old.application).flags.switch("tags", mode)
    assert parts(old.application).flags.shape().tags == mode
    assert answers(old) == before
    write(old, product)


def test_reading_both_counts_the_values_that_differ_and_shows_the_old_one(
    old: FlaskClient, old_database: Database
) -> None:
    revision = plain_plans.steps("product-tags")[0]["revision"]
    plain_plans.upgrade(old_database.url, revision)
    with old_database.connect() as connection:
        connection.execute("UPDATE products SET legacy_tags = 'a,b', tags = '{a}' WHERE id = 1")
        connection.execute("UPDATE products SET legacy_tags = 'a,b', tags = '{a,b}' WHERE id = 2")
    catalog = parts(old.application)
    catalog.flags.switch("tags", "both")
    assert old.get("/v1/products/1").json["tags"] == ["a", "b"]
    assert old.get("/v1/products/2").json["tags"] == ["a", "b"]
    assert catalog.metrics.registry.get_sample_value("catalog_reader_mismatches_total", {"move": "tags"}) == 1
    assert catalog.metrics.registry.get_sample_value("catalog_reader_compared_total", {"move": "tags"}) == 2


def test_a_column_that_vanishes_between_two_requests_costs_one_repeat_and_no_error(
    old: FlaskClient, old_database: Database
) -> None:
    catalog = parts(old.application)
    before = old.get("/v1/products/1").json
    plain_plans.run(old_database, "product-tags")
    catalog.flags._looked = float("inf")  # as if it had looked just now
    assert old.get("/v1/products/1").json == before
    assert catalog.metrics.registry.get_sample_value("catalog_repeats_total", {"reason": "schema"}) == 1


def test_a_flag_gives_way_to_the_columns_there_are() -> None:
    both = frozenset(column for move in MOVES.values() for column in (move.old, move.new))
    assert settle({}, both) == Shape("old", "old", "old", "old")
    assert settle({"tags": "new", "price": "both"}, both) == Shape(
        tags="new", title="old", price="both", description="old"
    )
    assert settle({"tags": "new"}, both - {"products.tags"}).tags == "old"
    assert settle({"tags": "old"}, both - {"products.legacy_tags"}).tags == "new"
