"""What the application sends before and after each plan."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_schema.load.acknowledged import Acknowledged
from catalog_schema.load.bucket import Bucket
from catalog_schema.load.shapes import PLANS, shapes
from catalog_schema.load.statements import statements
from catalog_schema.seed.values import TAGS

REPLACED = {
    "product-tags": "legacy_tags",
    "rename-column": "name",
    "price-numeric": "price_cents",
    "split-description": "description",
}


@pytest.mark.parametrize(("plan", "column"), REPLACED.items())
def test_the_new_application_no_longer_says_the_replaced_column(plan: str, column: str) -> None:
    ((old,), (new,)) = shapes(plan, "old"), shapes(plan, "new")
    assert f" {column}" in statements(old).read
    assert column not in statements(new).read.replace("product_descriptions", "").replace("(description)", "").split()


def test_the_new_application_of_a_plan_is_the_old_one_of_the_next() -> None:
    for earlier, later in pairwise(PLANS):
        assert shapes(earlier, "new") == shapes(later, "old")


def test_mixed_means_both_applications_at_once() -> None:
    assert shapes("product-tags", "mixed") == shapes("product-tags", "old") + shapes("product-tags", "new")


@given(st.none() | st.lists(st.sampled_from(TAGS)).map(tuple))
def test_tags_come_back_from_comma_text_and_from_an_array(tags: tuple[str, ...] | None) -> None:
    for shape in shapes("product-tags", "mixed"):
        assert shape.tags.fetch(shape.tags.store(tags)) == tags


@given(st.integers(0, 2_147_483_647).map(lambda cents: Decimal(cents) / 100))
def test_prices_come_back_from_cents_and_from_decimals(price: Decimal) -> None:
    for shape in shapes("price-numeric", "mixed"):
        assert shape.price.fetch(shape.price.store(price)) == price


def test_a_write_that_is_not_there_is_lost() -> None:
    written = Acknowledged("products")
    written.wrote(1, {"title": "old"})
    written.wrote(1, {"title": "new", "price": 3})
    written.wrote(2, {"title": "kept"})
    written.wrote(3, {"title": "gone"})
    written.deleted(4)
    written.forget(5)
    assert written.ids() == [1, 2, 3, 4]
    found = [{"id": 1, "title": "old", "price": 3}, {"id": 2, "title": "kept"}, {"id": 4, "title": "back"}]
    assert {(lost.id, lost.field) for lost in written.compare(found)} == {(1, "title"), (3, "title"), (4, "id")}


def test_percentiles_are_latencies_that_occurred() -> None:
    bucket = Bucket("all")
    for milliseconds in range(100, 0, -1):
        bucket.add(milliseconds / 1000)
    bucket.fail(5.0, "read_product", "55P03", "canceling statement due to lock timeout")
    summary = bucket.summary()
    assert (summary["requests"], summary["failed"]) == (101, 1)
    assert (summary["p50"], summary["p99"], summary["max"]) == (51, 100, 5000)
    assert summary["failures"] == [
        {
            "request": "read_product",
            "sqlstate": "55P03",
            "message": "canceling statement due to lock timeout",
            "count": 1,
        }
    ]
