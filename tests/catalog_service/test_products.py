"""Products over HTTP: what is written is read, lists are walked to the end, and errors are problem documents."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.databases import Database

Json = dict[str, Any]


def walk(client: FlaskClient, path: str, **query: Any) -> list[Json]:
    found: list[Json] = []
    cursor = None
    while True:
        answer = client.get(path, query_string={**query, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        found += answer.json["items"]
        cursor = answer.json["next"]
        if cursor is None:
            return found


def test_a_product_is_added_shown_replaced_and_removed(client: FlaskClient, product: Json) -> None:
    added = client.post("/v1/products", json=product)
    assert added.status_code == 201, added.text
    path = f"/v1/products/{added.json['id']}"
    assert client.get(path).json == added.json
    assert added.json | product | {"category": added.json["category"]} == added.json | {
        name: product[name] for name in product
    } | {"category": added.json["category"]}
    changed = {**product, "title": "A better lamp", "tags": [], "price": "13.00", "description": None}
    replaced = client.put(path, json=changed)
    assert replaced.status_code == 200, replaced.text
    assert (replaced.json["title"], replaced.json["tags"], replaced.json["price"]) == ("A better lamp", [], "13.00")
    assert client.get(path).json == replaced.json
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


def test_walking_a_list_shows_every_product_once_in_order(client: FlaskClient, catalog_database: Database) -> None:
    listed = walk(client, "/v1/products", limit=100)
    with catalog_database.connect() as connection:
        expected = connection.execute(
            "SELECT id FROM products WHERE status = 'active' ORDER BY created_at DESC, id DESC"
        ).fetchall()
    assert [one["id"] for one in listed] == [product for (product,) in expected]


@pytest.mark.parametrize("sort", ["newest", "price"])
def test_a_category_lists_its_products_in_the_order_asked_for(client: FlaskClient, sort: str) -> None:
    category = next(one["category"]["id"] for one in walk(client, "/v1/products", limit=100) if one["category"])
    listed = walk(client, f"/v1/categories/{category}/products", sort=sort, limit=2)
    assert listed
    keys = [(float(one["price"]), one["id"]) if sort == "price" else (one["created_at"], one["id"]) for one in listed]
    assert keys == sorted(keys, reverse=sort == "newest")
    assert {one["category"]["id"] for one in listed} == {category}


def test_the_search_finds_exactly_the_products_with_the_tag_in_the_range(client: FlaskClient) -> None:
    everything = walk(client, "/v1/products", limit=100)
    tag = next(one["tags"][0] for one in everything if one["tags"])
    found = walk(client, "/v1/search", tag=tag, min_price="10.00", max_price="500.00", limit=7)
    expected = [
        one["id"] for one in everything if tag in (one["tags"] or []) and 10 <= float(one["price"]) <= 500
    ]  # fmt: skip
    assert [one["id"] for one in found] == expected


def test_a_value_in_the_database_that_cannot_be_shown_is_not_blamed_on_the_client(
    client: FlaskClient, catalog_database: Database
) -> None:
    with catalog_database.connect() as connection:
        connection.execute("UPDATE products SET price = 'NaN' WHERE id = 1")
    answer = client.get("/v1/products/1")
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert "NaN" not in answer.text


def test_a_cursor_that_was_tampered_with_is_refused(client: FlaskClient) -> None:
    cursor = client.get("/v1/products", query_string={"limit": 1}).json["next"]
    forged = ("A" if cursor[0] != "A" else "B") + cursor[1:]
    answer = client.get("/v1/products", query_string={"cursor": forged})
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert answer.json["errors"][0]["pointer"] == "/cursor"


def test_a_cursor_of_another_list_is_refused(client: FlaskClient) -> None:
    cursor = client.get("/v1/products", query_string={"limit": 1}).json["next"]
    assert client.get("/v1/search", query_string={"tag": "sale", "cursor": cursor}).status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1/products/999999999", None, 404),
        ("GET", "/v1/nothing", None, 404),
        ("PATCH", "/v1/products", None, 405),
        ("GET", "/v1/products?limit=101", None, 422),
        ("GET", "/v1/products?unknown=1", None, 422),
        ("POST", "/v1/products", {"sku": "X"}, 422),
        ("POST", "/v1/products", "{", 400),
        ("GET", "/v1/categories/999999999/products", None, 404),
        ("POST", "/v1/products/999999999/reviews", {"rating": 5}, 404),
        ("GET", "/v1/products/99999999999999999999999", None, 404),
        ("GET", "/v1/products/0", None, 404),
        ("GET", "/v1/products/-1", None, 404),
        ("GET", "/v1/products/1%00", None, 404),
        ("GET", "/v1/products/%ff", None, 404),
        ("GET", "/static/%00", None, 404),
        ("GET", "/v1/products?limit=1&limit=2", None, 422),
        ("GET", "/v1/search?tag=a&tag=b", None, 422),
        ("GET", "/v1/search?tag=%00", None, 422),
        ("GET", "/v1/categories?parent=99999999999999999999999", None, 422),
        ("GET", "/v1/products?cursor=%ff", None, 422),
        ("GET", "/v1/products?cursor=.eJw.x", None, 422),
        ("BREW", "/v1/products", None, 405),
        ("TRACE", "/v1/products", None, 405),
        ("POST", "/v1/products", "", 400),
        ("POST", "/v1/products", "null", 422),
        ("POST", "/v1/products/1/reviews", '{"rating": 1e400}', 422),
        ("POST", "/v1/products/1/reviews", '{"rating": NaN}', 422),
        ("POST", "/v1/products/1/reviews", '{"rating": true}', 422),
        ("POST", "/v1/products/1/reviews", '{"rating": "5"}', 422),
        ("POST", "/v1/products/1/reviews", '{"rating": 4.5}', 422),
        ("POST", "/v1/products/1/reviews", '{"rating": 5, "body": "\\ud800"}', 400),
        ("POST", "/v1/products/1/reviews", '{"rating": 5, "body": "\\u0000"}', 422),
    ],
)
def test_every_error_is_a_problem_document(client: FlaskClient, method: str, path: str, body: Any, status: int) -> None:
    more = {"data": body, "content_type": "application/json"} if isinstance(body, str) else {"json": body}
    answer = client.open(path, method=method, **(more if body is not None else {}))
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert answer.json["status"] == status
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]


def test_what_is_far_too_big_is_a_problem_too(client: FlaskClient) -> None:
    number = "9" * 5000  # more digits than Python reads
    assert client.get(f"/v1/products/{number}").status_code == 404
    assert client.get(f"/v1/products?limit={number}").status_code == 422
    for body, status in (("[" * 200_000, 400), (f'{{"rating": {number}}}', 400), (" " * 300_000, 413)):
        answer = client.post("/v1/products/1/reviews", data=body, content_type="application/json")
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")


def test_a_body_in_chunks_that_is_too_big_is_refused_and_not_cut_off(client: FlaskClient) -> None:
    body = b'{"rating": 5}' + b" " * 300_000
    answer = client.post(
        "/v1/products/1/reviews",
        input_stream=BytesIO(body),
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert (answer.status_code, answer.mimetype) == (413, "application/problem+json")


@pytest.mark.parametrize("body", [b"\xff", b'{"rating": 5, "body": "\xff"}', b"\x1f\x8b\x08"])
def test_a_body_that_is_no_text_is_a_problem_too(client: FlaskClient, body: bytes) -> None:
    answer = client.post("/v1/products/1/reviews", data=body, content_type="application/json")
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
    form = client.post("/v1/products/1/reviews", data=body, content_type="text/plain")
    assert (form.status_code, form.mimetype) == (415, "application/problem+json")


def test_what_is_not_utf_8_in_a_query_finds_nothing(client: FlaskClient) -> None:
    assert client.get("/v1/search?tag=%ff%fe").json == {"items": [], "next": None}


@pytest.mark.parametrize("path", ["/", "/v1/products", "/v1/products/1", "/v1/search?tag=sale", "/livez", "/readyz"])
def test_head_is_get_without_a_body_and_options_name_the_methods(client: FlaskClient, path: str) -> None:
    head, options = client.head(path), client.options(path)
    assert (head.status_code, head.data, head.mimetype) == (200, b"", client.get(path).mimetype)
    assert (options.status_code, "GET" in options.headers["Allow"]) == (200, True)


def test_a_taken_sku_is_a_conflict_and_an_unknown_category_is_named(client: FlaskClient, product: Json) -> None:
    assert client.post("/v1/products", json=product).status_code == 201
    assert client.post("/v1/products", json=product).status_code == 409
    answer = client.post("/v1/products", json={**product, "sku": "TEST-2", "category_id": 10**9})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/category_id")


def test_a_review_is_added_and_listed(client: FlaskClient, product: Json) -> None:
    number = client.post("/v1/products", json=product).json["id"]
    path = f"/v1/products/{number}/reviews"
    added = [client.post(path, json={"rating": rating}) for rating in (3, 4, 5)]
    assert {one.status_code for one in added} == {201}
    assert walk(client, path, limit=1) == [one.json for one in reversed(added)]
    assert added[0].json["author"] == "Anonymous"


def test_the_pages_ignore_what_they_do_not_know_and_tell_people_of_problems_by_a_page(client: FlaskClient) -> None:
    assert client.get("/?utm_source=newsletter&tag=").status_code == 200
    for path, status, said in (
        ("/?tag=a,b", 422, "tag: "),
        ("/?category=none", 422, "parent: "),
        ("/?category=999999999", 404, "nothing of that number"),
        ("/?cursor=of-somebody", 422, "cursor: "),
        ("/products/999999999", 404, "nothing of that number"),
    ):
        answer = client.get(path)
        assert (answer.status_code, answer.mimetype) == (status, "text/html")
        assert said in answer.text


def test_a_category_that_is_far_down_the_list_stays_chosen(client: FlaskClient, catalog_database: Database) -> None:
    with catalog_database.connect() as connection:
        connection.execute(
            "INSERT INTO categories (slug, name) SELECT 'c' || n, 'C' || n FROM generate_series(1, 150) n"
        )
        (last,) = connection.execute("SELECT max(id) FROM categories").fetchone() or (None,)
    assert f'<option value="{last}" selected>C150</option>' in client.get(f"/?category={last}").text


def test_the_pages_for_people_show_lists_and_products(client: FlaskClient) -> None:
    page = client.get("/")
    first = client.get("/v1/products").json["items"][0]
    assert page.status_code == 200
    assert f'href="/products/{first["id"]}"' in page.text
    category = next(one["category"]["id"] for one in walk(client, "/v1/products", limit=100) if one["category"])
    shown = client.get(f"/products/{first['id']}")
    assert shown.status_code == 200
    assert "<h1>" in shown.text
    assert client.get("/", query_string={"category": category, "sort": "price", "tag": ""}).status_code == 200
