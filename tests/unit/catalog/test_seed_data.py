"""The generated data: the same everywhere, and as awkward as promised."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_schema.seed import Sizes, table_blocks
from catalog_schema.seed.copytext import field
from catalog_schema.seed.pools import SIZE, even, mixed, zipf
from catalog_schema.seed.tables import product_id
from catalog_schema.seed.values import AWKWARD, TAGS

CHECKSUMS = {
    "categories": "fc794d8d7a336546",
    "products": "8ec6b2f83024a9e1",
    "variants": "bc46cb3df94c623e",
    "prices": "1b253600e9fdf0f4",
    "reviews": "c27f86b1ac4ce175",
}


def text(table: str, seed: int = 1, products: int = 2_000) -> str:
    (data,) = [data for data in table_blocks(Sizes.of(products), seed) if data.table == table]
    return b"".join(block.text for block in data.blocks).decode()


def column(table: str, name: str, **arguments: int) -> list[str]:
    (data,) = [data for data in table_blocks(Sizes.of(1), 1) if data.table == table]
    position = data.columns.index(name)
    return [line.split("\t")[position] for line in text(table, **arguments).split("\n")[:-1]]


def unescaped(field: str) -> str | None:
    """Read a COPY field the way the manual describes it, independently of how it was written."""
    if field == r"\N":
        return None
    plain, rest = "", iter(field)
    for character in rest:
        plain += {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}[next(rest)] if character == "\\" else character
    return plain


@pytest.mark.parametrize("table", CHECKSUMS)
def test_the_same_seed_gives_the_same_bytes_on_every_machine(table: str) -> None:
    assert sha256(text(table).encode()).hexdigest()[:16] == CHECKSUMS[table]


def test_another_seed_gives_other_rows() -> None:
    assert text("products", seed=1) != text("products", seed=2)


def test_more_products_begin_with_the_same_products() -> None:
    assert text("products", products=3_000).startswith(text("products", products=2_000))


def test_every_awkward_text_occurs_among_the_names() -> None:
    assert set(AWKWARD) <= {unescaped(name) for name in column("products", "name", products=30_000)}


def test_descriptions_and_tags_are_sometimes_null_and_sometimes_empty() -> None:
    for name in ("description", "legacy_tags"):
        assert {None, ""} < {unescaped(value) for value in column("products", name)}


def test_a_few_categories_and_products_have_most_of_the_rows() -> None:
    categories = column("products", "category_id", products=10_000)
    assert categories.count("1") > 20 * max(categories.count("300"), 1)
    reviewed = sorted(map(int, column("reviews", "product_id", products=10_000)))
    assert reviewed[len(reviewed) // 2] < product_id(10_000) // 4


def test_product_numbers_have_the_gaps_that_deletions_leave() -> None:
    numbers = [int(number) for number in column("products", "id")]
    assert numbers == [product_id(index) for index in range(2_000)]
    assert numbers[999:1001] == [1000, 1008]


def test_some_variants_belong_to_products_that_are_gone() -> None:
    products = set(column("products", "id", products=10_000))
    orphans = [parent for parent in column("variants", "product_id", products=10_000) if parent not in products]
    assert 0 < len(orphans) < 100


def test_no_single_tag_has_a_comma() -> None:
    assert not [tag for tag in TAGS if "," in tag]


@given(st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))))
def test_a_copy_field_reads_back_as_the_value_it_was_made_of(value: str | None) -> None:
    written = field(value)
    assert unescaped(written) == value
    assert not set(written) & set("\t\n\r")


@settings(max_examples=20)
@given(st.lists(st.integers(), min_size=1, max_size=300, unique=True))
def test_a_pool_holds_every_value_the_commonest_first(values: list[int]) -> None:
    assert len(even(values)) == len(zipf(values)) == SIZE
    assert set(even(values)) == set(zipf(values)) == set(values)
    pool = zipf(values)
    assert pool.count(values[0]) == max(pool.count(value) for value in values)


def test_a_mixed_pool_gives_each_part_its_share() -> None:
    pool = mixed((900, ["often"]), (100, ["seldom"]))
    assert len(pool) == SIZE
    assert pool.count("seldom") == SIZE // 10
