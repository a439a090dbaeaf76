"""No endpoint sends more statements for 50 rows than for one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from tests.catalog_service.conftest import parts
from tests.support.databases import Database

_FIFTY = """
    INSERT INTO categories (slug, name) VALUES ('full', 'Full');
    INSERT INTO products (sku, title, price, category_id, tags, created_at)
    SELECT 'FULL-' || n, 'Number ' || n, n, (SELECT id FROM categories WHERE slug = 'full'), '{full}',
           now() + n * interval '1 second'
    FROM generate_series(1, 60) n;
    INSERT INTO variants (product_id, sku, label)
    SELECT id, sku || '-' || n, 'size ' || n FROM products, generate_series(1, 3) n WHERE sku LIKE 'FULL-%';
    INSERT INTO reviews (product_id, author, rating)
    SELECT (SELECT id FROM products WHERE sku = 'FULL-1'), 'Reader ' || n, 5 FROM generate_series(1, 60) n;
    INSERT INTO categories (slug, name, parent_id)
    SELECT 'child-' || n, 'Child', (SELECT id FROM categories WHERE slug = 'full') FROM generate_series(1, 60) n;
"""


@pytest.fixture
def full(catalog_database: Database) -> dict[str, int]:
    with catalog_database.connect() as connection:
        connection.execute(_FIFTY)
        category = connection.execute("SELECT id FROM categories WHERE slug = 'full'").fetchone()
        product = connection.execute("SELECT id FROM products WHERE sku = 'FULL-1'").fetchone()
    assert category
    assert product
    return {"category": category[0], "product": product[0]}


def queries(client: FlaskClient, path: str) -> Iterator[int]:
    metrics = parts(client.application).metrics
    for limit in (1, 50):
        before = _sent(metrics)
        answer = client.get(path.replace("LIMIT", str(limit)))
        assert answer.status_code == 200, answer.text
        assert len(answer.json["items"]) == limit
        yield _sent(metrics) - before


def _sent(metrics: object) -> int:
    return sum(
        int(sample.value)
        for metric in metrics.registry.collect()  # type: ignore[attr-defined]
        if metric.name == "catalog_request_queries"
        for sample in metric.samples
        if sample.name.endswith("_sum")
    )


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/v1/products?limit=LIMIT", 2),
        ("/v1/categories?limit=LIMIT", 1),
        ("/v1/categories?parent={category}&limit=LIMIT", 1),
        ("/v1/categories/{category}/products?limit=LIMIT", 3),
        ("/v1/categories/{category}/products?sort=price&limit=LIMIT", 3),
        ("/v1/search?tag=full&limit=LIMIT", 2),
        ("/v1/search?tag=full&category={category}&max_price=1000.00&limit=LIMIT", 2),
        ("/v1/products/{product}/reviews?limit=LIMIT", 2),
        ("/v1/reports/products?limit=LIMIT", 5),
    ],
)
def test_a_list_takes_as_many_statements_for_fifty_rows_as_for_one(
    client: FlaskClient, full: dict[str, int], path: str, most: int
) -> None:
    one, fifty = queries(client, path.format(**full))
    assert one == fifty <= most


def test_every_list_endpoint_is_counted_here(client: FlaskClient) -> None:
    document = client.get("/openapi.json").json
    lists = {
        path
        for path, item in document["paths"].items()
        if any(parameter["name"] == "limit" for parameter in item.get("get", {}).get("parameters", []))
    }
    assert lists == {
        "/v1/products",
        "/v1/categories",
        "/v1/categories/{category_id}/products",
        "/v1/search",
        "/v1/products/{product_id}/reviews",
        "/v1/reports/products",
    }
