"""The rows of every table as blocks of COPY text, drawn from pools; sends nothing.

A row takes a fixed number of random bits, cut into 16-bit indexes, so that Python does one look-up per field.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random
from struct import Struct

from catalog_schema.seed import values
from catalog_schema.seed.copytext import NULL
from catalog_schema.seed.pools import even, fields, mixed, zipf

CATEGORIES = 600
_ROOTS = 20
_BLOCK_ROWS = 1000
_GAP = 7
"""How many numbers are missing after every 1,000 products, as deletions leave them."""

Rows = Iterator[str]
Draw = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many rows each table gets."""

    products: int
    variants: int
    prices: int
    reviews: int

    @classmethod
    def of(cls, products: int) -> "Sizes":
        """Return sizes in the usual proportion to the number of products."""
        return cls(products, variants=products * 3 // 10, prices=products * 3 // 10, reviews=products * 3 // 10)


@dataclass(frozen=True, slots=True)
class Block:
    """Some whole rows as COPY text."""

    rows: int
    text: bytes


@dataclass(frozen=True, slots=True)
class TableBlocks:
    """One table's data: where it goes and what to send."""

    table: str
    columns: tuple[str, ...]
    rows: int
    blocks: Iterator[Block]


def table_blocks(sizes: Sizes, seed: int) -> Iterator[TableBlocks]:
    """Yield every table's data, referenced tables first."""
    yield _table("categories", "id parent_id slug name", CATEGORIES, _categories())
    yield _table(
        "products",
        "id sku name description category_id legacy_tags price_cents currency status weight_grams"
        " created_at updated_at",
        sizes.products,
        _products(sizes.products, seed),
    )
    yield _table("variants", "id product_id sku label stock created_at", sizes.variants, _variants(sizes, seed))
    yield _table("prices", "id product_id amount currency valid_from", sizes.prices, _prices(sizes, seed))
    yield _table("reviews", "id product_id author rating body created_at", sizes.reviews, _reviews(sizes, seed))


def product_id(index: int) -> int:
    """Return the id of the product with this index, counted from 0."""
    return index + 1 + index // 1000 * _GAP


def _table(table: str, columns: str, rows: int, lines: Rows) -> TableBlocks:
    return TableBlocks(table, tuple(columns.split()), rows, _blocks(lines))


def _blocks(lines: Rows) -> Iterator[Block]:
    while pending := tuple(islice(lines, _BLOCK_ROWS)):
        yield Block(len(pending), "".join(pending).encode())


def _draws(rows: int, width: int, seed: str) -> Iterator[Draw]:
    """Yield `rows` tuples of `width` 16-bit numbers; the text seed keeps the tables independent of each other."""
    rng = Random(seed)  # noqa: S311 - reproducible data, no secret
    layout = Struct(f"<{width}H")
    for start in range(0, rows, _BLOCK_ROWS):
        size = layout.size * min(_BLOCK_ROWS, rows - start)
        yield from layout.iter_unpack(rng.getrandbits(8 * size).to_bytes(size, "little"))


def _skewed(draw: int, other: int, third: int, count: int) -> int:
    """Return an index below `count`: the product of three even draws crowds at the low end, as best sellers do."""
    return draw * other * third * count >> 48


def _categories() -> Rows:
    for number in range(1, CATEGORIES + 1):
        parent = NULL if number <= _ROOTS else str(number // _ROOTS)
        yield f"{number}\t{parent}\tcategory-{number}\tCategory {number}\n"


def _products(count: int, seed: int) -> Rows:
    rng = Random(f"{seed}:tags")  # noqa: S311 - reproducible data, no secret
    name, text, tags = fields(values.names()), fields(values.descriptions()), fields(values.tag_lists(rng))
    category = mixed((970, zipf([str(number) for number in range(1, CATEGORIES + 1)])), (30, (NULL,)))
    price = [str(cents) for cents in values.cents()]
    state, moment = values.states(), values.moments()
    draws = _draws(count, 8, f"{seed}:products")
    for index, (a, b, c, d, e, f, g, h) in enumerate(draws):
        number = index + 1 + index // 1000 * _GAP  # product_id(), without the call
        created, updated = (moment[g], moment[h]) if g < h else (moment[h], moment[g])
        yield (
            f"{number}\tSKU-{number:09d}\t{name[a]}\t{text[b]}\t{category[c]}\t{tags[d]}\t{price[e]}\t{state[f]}"
            f"\t{created}\t{updated}\n"
        )


def _variants(sizes: Sizes, seed: int) -> Rows:
    label = fields(even(("S", "M", "L", "XL", "red", "blue", "left-handed", "à la carte", "50 % larger", '5" screen')))
    moment = values.moments()
    for index, (a, b, c, d) in enumerate(_draws(sizes.variants, 4, f"{seed}:variants")):
        product = product_id(((a << 16) + b) * sizes.products >> 32)
        # One in 256 belongs to a product that was deleted: its number lies in one of the gaps.
        parent = product if d & 255 else product // (1000 + _GAP) * (1000 + _GAP)
        yield f"{index + 1}\t{parent}\tVAR-{index + 1:09d}\t{label[c]}\t{d >> 8}\t{moment[c]}\n"


def _prices(sizes: Sizes, seed: int) -> Rows:
    amount = [f"{cents // 100}.{cents % 100:02d}" for cents in values.cents()]
    moment = values.moments()
    for index, (a, b, c, d) in enumerate(_draws(sizes.prices, 4, f"{seed}:prices")):
        product = product_id(((a << 16) + b) * sizes.products >> 32)
        yield f"{index + 1}\t{product}\t{amount[c]}\tEUR\t{moment[d]}\n"


def _reviews(sizes: Sizes, seed: int) -> Rows:
    author, body = fields(values.authors()), fields(values.descriptions())
    moment, rating = values.moments(), zipf(("5", "4", "1", "3", "2"))
    for index, (a, b, c, d, e, f, g) in enumerate(_draws(sizes.reviews, 7, f"{seed}:reviews")):
        product = product_id(_skewed(a, b, c, sizes.products))
        yield f"{index + 1}\t{product}\t{author[d]}\t{rating[e]}\t{body[f]}\t{moment[g]}\n"
