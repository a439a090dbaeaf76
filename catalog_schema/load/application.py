"""The application: the requests that come in, and what each sends to the database.

Responsible for single requests and for remembering what they were told; when they come in is the driver's business.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random
from typing import Any
from uuid import uuid4

from psycopg import AsyncConnection, OperationalError
from psycopg.rows import TupleRow

from catalog_schema.load import statements as sql
from catalog_schema.load.acknowledged import Acknowledged, Lost
from catalog_schema.load.shapes import Shape
from catalog_schema.seed.values import AWKWARD, TAGS

Connection = AsyncConnection[TupleRow]
Request = Callable[[Connection, Shape], Awaitable[None]]

_BATCH = 1000


class Application:
    """The requests of a catalog, chosen at random from a fixed seed."""

    def __init__(self, seed: int) -> None:
        self._rng = Random(seed)  # noqa: S311 - reproducible load, no secret
        self._products = Acknowledged("products")
        self._reviews = Acknowledged("reviews")
        self._last_product = self._last_review = 0
        self._own: list[int] = []
        self._locks: defaultdict[tuple[str, int], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._mix: dict[Request, int] = {
            self.read_product: 44,
            self.list_products: 12,
            self.find_by_tag: 8,
            self.add_product: 8,
            self.set_title: 5,
            self.set_tags: 6,
            self.set_price: 5,
            self.set_description: 5,
            self.add_review: 3,
            self.set_author: 2,
            self.delete_product: 2,
        }

    async def begin(self, connection: Connection) -> None:
        """Learn which rows there are."""
        row = await (await connection.execute(sql.LAST_IDS)).fetchone()
        assert row is not None
        self._last_product, self._last_review = row

    def next_request(self) -> Request:
        """Return the next request to come in."""
        return self._rng.choices(list(self._mix), weights=list(self._mix.values()))[0]

    def pick(self, choices: tuple[Shape, ...]) -> Shape:
        """Return the shape that the process answering the next request was written for."""
        return self._rng.choice(choices)

    @property
    def writes(self) -> int:
        """How many writes were acknowledged."""
        return self._products.writes + self._reviews.writes

    async def read_product(self, connection: Connection, shape: Shape) -> None:
        """Show a product with its reviews."""
        product = self._any_product()
        await _rows(connection, sql.statements(shape).read, id=product)
        await _rows(connection, sql.READ_REVIEWS, id=product)

    async def list_products(self, connection: Connection, shape: Shape) -> None:
        """Show a page of products."""
        await _rows(connection, sql.statements(shape).page, id=self._any_product())

    async def find_by_tag(self, connection: Connection, shape: Shape) -> None:
        """Show the products of a neighbourhood that bear a tag."""
        await _rows(connection, sql.statements(shape).tagged, id=self._any_product(), tag=self._rng.choice(TAGS))

    async def add_product(self, connection: Connection, shape: Shape) -> None:
        """Put a product on sale; every other has a variant and a first price."""
        text = self._rng.choice((None, self._text()))
        new = {"title": self._text(), "tags": self._tags(), "price": self._price(), "description": text}
        sku = f"LOAD-{uuid4().hex}"
        insert = sql.statements(shape).insert
        async with connection.transaction():
            ((product,),) = await _rows(connection, insert, sku=sku, **_stored(shape, new))
            if shape.description_apart and text is not None:
                await connection.execute(sql.ADD_DESCRIPTION, {"id": product, "body": text})
            if self._rng.random() < 0.5:
                await connection.execute(sql.ADD_VARIANT, {"id": product, "sku": sku})
                await connection.execute(sql.ADD_PRICE, {"id": product, "amount": new["price"]})
        self._products.wrote(product, new)
        self._own.append(product)

    async def set_title(self, connection: Connection, shape: Shape) -> None:
        """Give a product another title."""
        await self._set(connection, shape, "title", self._text())

    async def set_tags(self, connection: Connection, shape: Shape) -> None:
        """Tag a product anew, or take its tags away: that leaves none, which is not the same as never tagged."""
        await self._set(connection, shape, "tags", self._tags() or ())

    async def set_price(self, connection: Connection, shape: Shape) -> None:
        """Change a price."""
        await self._set(connection, shape, "price", self._price())

    async def set_description(self, connection: Connection, shape: Shape) -> None:
        """Describe a product anew, or no more."""
        await self._set(connection, shape, "description", self._rng.choice((None, self._text())))

    async def add_review(self, connection: Connection, shape: Shape) -> None:
        """Review a product that stays."""
        product, author = self._rng.randint(1, max(self._last_product, 1)), self._author(shape)
        for (review,) in await _rows(connection, sql.ADD_REVIEW, id=product, author=author):
            self._remember_author(review, author)

    async def set_author(self, connection: Connection, shape: Shape) -> None:
        """Let a reviewer change the name shown."""
        review, author = self._rng.randint(1, max(self._last_review, 1)), self._author(shape)
        async with self._alone(self._reviews, review):
            if await _rows(connection, sql.SET_AUTHOR, id=review, value=author):
                self._remember_author(review, author)

    async def delete_product(self, connection: Connection, shape: Shape) -> None:
        """Take a product off that the load itself has added."""
        if not self._own:
            return
        product = self._own.pop(self._rng.randrange(len(self._own)))
        async with self._alone(self._products, product):
            async with connection.transaction():
                if shape.deletes_variants:
                    await connection.execute(sql.DELETE_VARIANTS, {"id": product})
                await connection.execute(sql.DELETE_PRODUCT, {"id": product})
            self._products.deleted(product)

    async def lost(self, connection: Connection, shape: Shape) -> list[Lost]:
        """Return the acknowledged writes that the database does not hold, read as an application of `shape` does."""
        text = sql.statements(shape).by_id
        products = [
            {"id": row[0], **_fetched(shape, row[1:])} async for row in _batches(connection, text, self._products.ids())
        ]
        reviews = [
            {"id": row[0], "author": row[1]}
            async for row in _batches(connection, sql.REVIEWS_BY_ID, self._reviews.ids())
        ]
        return self._products.compare(products) + self._reviews.compare(reviews)

    async def _set(self, connection: Connection, shape: Shape, field: str, value: Any) -> None:
        product = self._any_product()
        async with self._alone(self._products, product):
            statement = getattr(sql.statements(shape), f"set_{field}")
            if await _rows(connection, statement, id=product, value=getattr(shape, field).store(value)):
                self._products.wrote(product, {field: value})

    @asynccontextmanager
    async def _alone(self, table: Acknowledged, row: int) -> AsyncIterator[None]:
        """Keep our own other requests off the row, since of two at once nobody could say which was the last."""
        async with self._locks[table.table, row]:
            try:
                yield
            except OperationalError as error:
                if outcome_unknown(error):
                    table.forget(row)
                raise

    def _remember_author(self, review: int, author: str | None) -> None:
        # A review without author is what a plan fills in: nothing to hold the database to.
        if author is None:
            self._reviews.forget(review)
        else:
            self._reviews.wrote(review, {"author": author})

    def _any_product(self) -> int:
        if self._own and self._rng.random() < 0.3:
            return self._rng.choice(self._own)
        return self._rng.randint(1, max(self._last_product, 1))

    def _text(self) -> str:
        return f"{self._rng.choice(AWKWARD)} {self._rng.getrandbits(32)}"

    def _tags(self) -> tuple[str, ...] | None:
        count = self._rng.choice((None, 0, 1, 2, 4))
        return None if count is None else tuple(self._rng.sample(TAGS, count))

    def _price(self) -> Decimal:
        return Decimal(self._rng.randrange(10_000_000)) / 100

    def _author(self, shape: Shape) -> str | None:
        return None if not shape.author_required and self._rng.random() < 0.2 else self._text()


def outcome_unknown(error: OperationalError) -> bool:
    """Return whether the connection broke, so that a statement may or may not have taken effect."""
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))


async def _rows(connection: Connection, statement: str, **values: Any) -> list[TupleRow]:
    cursor = await connection.execute(statement.encode(), values)
    return await cursor.fetchall()


async def _batches(connection: Connection, statement: str, ids: list[int]) -> AsyncIterator[TupleRow]:
    for start in range(0, len(ids), _BATCH):
        for row in await _rows(connection, statement, ids=ids[start : start + _BATCH]):
            yield row


def _stored(shape: Shape, values: Mapping[str, Any]) -> dict[str, Any]:
    return {field: getattr(shape, field).store(value) for field, value in values.items()}


def _fetched(shape: Shape, row: TupleRow) -> dict[str, Any]:
    columns = zip(("title", "tags", "price", "description"), row, strict=True)
    return {field: getattr(shape, field).fetch(value) for field, value in columns}
