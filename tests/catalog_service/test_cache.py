"""The cache: hit for the same question, forgotten after a commit, one maker at a time, and its absence no error."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from catalog_service.cache import Cache, Entry
from catalog_service.dto.categories import Category
from catalog_service.observability.metrics import Metrics
from tests.catalog_service.conftest import parts
from tests.support.databases import Database
from tests.support.polling import wait_until
from tools.servers import Process, redis_url, valkey

Json = dict[str, Any]


@pytest.fixture
def cached(catalog_database: Database, make_app: Callable[..., Flask], fresh_cache: str) -> Flask:
    return make_app(catalog_database, redis_url=fresh_cache)


def outcomes(app: Flask, kind: str) -> dict[str, float]:
    registry = parts(app).metrics.registry
    labels = ("hit", "miss", "unavailable")
    return {
        outcome: registry.get_sample_value("catalog_cache_total", {"kind": kind, "outcome": outcome}) or 0.0
        for outcome in labels
    }


def test_the_same_question_is_answered_from_the_cache_however_it_is_put(cached: Flask) -> None:
    client = cached.test_client()
    first = client.get("/v1/search?tag=sale&min_price=5.00&limit=3")
    second = client.get("/v1/search?limit=3&min_price=5.00&tag=sale")
    assert first.json == second.json
    assert outcomes(cached, "search") == {"hit": 1, "miss": 1, "unavailable": 0}


def test_every_list_that_shows_a_product_is_forgotten_when_it_changes(cached: Flask, product: Json) -> None:
    writer, reader = cached.test_client(), cached.test_client()
    lists = [
        "/v1/products?limit=5",
        "/v1/search?tag=new&limit=5",
        "/v1/search?tag=old&limit=5",
        "/v1/categories/3/products?limit=5",
        "/v1/categories/4/products?limit=5",
    ]

    def shown() -> list[bool]:
        answers = [reader.get(path).json["items"] for path in lists]
        return [product["sku"] in [item["sku"] for item in items] for items in answers]

    assert shown() == [False] * 5
    added = writer.post("/v1/products", json=product)
    path = f"/v1/products/{added.json['id']}"
    assert reader.get(path).json["title"] == "A lamp"
    assert shown() == [True, True, False, True, False]
    moved = {**product, "tags": ["old"], "category_id": 4, "title": "Moved"}
    assert writer.put(path, json=moved).status_code == 200
    assert reader.get(path).json["title"] == "Moved"
    assert shown() == [True, False, True, False, True]
    assert writer.delete(path).status_code == 204
    assert reader.get(path).status_code == 404
    assert shown() == [False] * 5


def test_reviews_are_forgotten_when_one_is_added(cached: Flask) -> None:
    client = cached.test_client()
    before = client.get("/v1/products/1/reviews").json["items"]
    client.post("/v1/products/1/reviews", json={"rating": 1, "body": "no"})
    assert len(client.get("/v1/products/1/reviews").json["items"]) == len(before) + 1


def test_entries_live_no_longer_than_the_ttl_and_not_all_equally_long(cached: Flask, fresh_cache: str) -> None:
    client = cached.test_client()
    for number in range(1, 21):
        client.get(f"/v1/products/{number}")
    with redis.Redis.from_url(fresh_cache, decode_responses=True) as connection:
        lives = [connection.pttl(key) for key in connection.scan_iter("catalog:1:product:*")]
    assert len(lives) >= 15
    assert all(50_000 < life <= 60_000 for life in lives)
    assert len(set(lives)) > 5


def asked(url: str) -> int:
    """How often somebody tried to set a key, such as the lock against stampedes."""
    with redis.Redis.from_url(url) as connection:
        return int(connection.info("commandstats").get("cmdstat_set", {"calls": 0})["calls"])


def test_many_who_miss_at_once_have_it_made_once(fresh_cache: str) -> None:
    cache = Cache(fresh_cache, Metrics(), ttl=60, doubt=5)
    made: list[float] = []
    before = asked(fresh_cache)

    def load(*, fresh: bool) -> Category:
        made.append(time.monotonic())
        wait_until(lambda: asked(fresh_cache) >= before + 8, message="all others have asked who makes it")
        return Category(id=1, parent_id=None, slug="a", name="A")

    entry = Entry("one category", {"id": 1}, ("categories",))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: cache.get(entry, Category, load), range(8)))
    assert len(made) == 1
    assert {one.name for one in found if one} == {"A"}
    cache.close()


def test_what_was_changed_a_moment_ago_is_made_from_the_primary(fresh_cache: str) -> None:
    cache = Cache(fresh_cache, Metrics(), ttl=60, doubt=5)
    asked: list[bool] = []

    def load(*, fresh: bool) -> Category:
        asked.append(fresh)
        return Category(id=1, parent_id=None, slug="a", name="A")

    cache.get(Entry("one category", {"id": 1}, ("categories",)), Category, load)
    cache.changed({"categories"})
    cache.get(Entry("one category", {"id": 1}, ("categories",)), Category, load)
    assert asked == [False, True]
    cache.close()


def test_a_cache_that_is_killed_and_comes_back_is_slower_and_never_an_error_or_stale_for_the_writer(
    catalog_database: Database, make_app: Callable[..., Flask], folder: Any, product: Json
) -> None:
    server: Process = valkey(folder / "valkey")
    server.start()
    app = make_app(catalog_database, redis_url=redis_url(server))
    writer, reader = app.test_client(), app.test_client()
    added = writer.post("/v1/products", json=product).json
    path = f"/v1/products/{added['id']}"
    assert reader.get(path).json == added
    server.kill()
    try:
        changed = writer.put(path, json={**product, "title": "While it was down"})
        assert changed.status_code == 200
        assert reader.get(path).json["title"] == "While it was down"
        assert outcomes(app, "product")["unavailable"] >= 1
        server.start()
        parts(app).cache._breaker._until = 0  # as if a second had passed
        assert writer.get(path).json["title"] == "While it was down"
        reader.get(path)
        reader.get(path)
        assert outcomes(app, "product")["hit"] >= 1
    finally:
        server.kill()


def test_what_the_cache_was_not_told_of_is_stale_for_no_longer_than_an_entry_lives(
    catalog_database: Database, make_app: Callable[..., Flask], fresh_cache: str, product: Json
) -> None:
    reader = make_app(catalog_database, redis_url=fresh_cache, cache_ttl=1.0).test_client()
    cut_off = make_app(catalog_database, redis_url="redis://127.0.0.1:1/0", cache_ttl=1.0).test_client()
    path = f"/v1/products/{cut_off.post('/v1/products', json=product).json['id']}"
    kept = time.monotonic()
    assert reader.get(path).json["title"] == "A lamp"
    assert cut_off.put(path, json={**product, "title": "Changed"}).status_code == 200
    assert cut_off.get(path).json["title"] == "Changed"
    seen = {}
    while seen.get("title") != "Changed":
        asked = time.monotonic()
        seen = reader.get(path).json
    assert asked - kept < 1.5, "asking does not make an entry live longer"


def test_an_entry_of_another_release_is_made_anew(cached: Flask, fresh_cache: str) -> None:
    client = cached.test_client()
    made = client.get("/v1/products/1").json
    with redis.Redis.from_url(fresh_cache) as connection:
        (key,) = connection.scan_iter("catalog:1:product:*")
        connection.set(key, '{"id": 1, "name": "A lamp"}')
    assert client.get("/v1/products/1").json == made
    assert client.get("/v1/products/1").json == made
    assert outcomes(cached, "product") == {"hit": 1, "miss": 2, "unavailable": 0}


@given(st.dictionaries(st.sampled_from(["tag", "limit", "category"]), st.integers(0, 3) | st.none()))
def test_a_key_depends_on_what_is_asked_and_not_on_the_order(question: dict[str, Any]) -> None:
    turned = dict(reversed(question.items()))
    said = {name: value for name, value in question.items() if value is not None}
    keys = {Entry("search", one, ()).key([]) for one in (question, turned, said)}
    assert len(keys) == 1
    assert Entry("search", {**said, "limit": 9}, ()).key([]) not in keys
