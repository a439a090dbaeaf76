"""Products in the database, in whatever shape it has: lists, single ones, and writing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session, joinedload, load_only, selectinload

from catalog_schema.models import Category, Price, Product, ProductDescription, Variant
from catalog_service.repositories import columns
from catalog_service.repositories.columns import PRODUCTS, Differs
from catalog_service.repositories.shape import Shape

_LISTED = ("tags", "title", "price")
_ALL = (*_LISTED, "description")
_STABLE = (
    Product.id,
    Product.sku,
    Product.category_id,
    Product.currency,
    Product.status,
    Product.weight_grams,
    Product.created_at,
    Product.updated_at,
)


@dataclass(frozen=True, slots=True)
class Found:
    """A product as it was read: the entity without the values that move, and these apart."""

    product: Product
    moved: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to; `after` is the sort key and id of the last product already shown."""

    category: int | None = None
    tag: str | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    by_price: bool = False
    after: tuple[datetime | Decimal, int] | None = None


class Products:
    """The products that one session sees in one shape."""

    def __init__(self, session: Session, shape: Shape, compared: Differs) -> None:
        self._session = session
        self._shape = shape
        self._compared = compared

    def get(self, product_id: int) -> Found | None:
        """Return one product."""
        found = self._read(self._select(_ALL).where(Product.id == product_id), _ALL)
        return found[0] if found else None

    def page(self, filters: Filters, limit: int) -> list[Found]:
        """Return active products, newest first or cheapest first."""
        return self._read(self.page_statement(filters, limit), _LISTED)

    def page_statement(self, filters: Filters, limit: int) -> Select[Any]:
        """Return the statement of a page, for the script that looks at its plan too."""
        statement = self._select(_LISTED).where(Product.status == "active", *self._conditions(filters))
        if filters.by_price:
            key = columns.price(self._shape)
            if filters.after is not None:
                after = (columns.stored_price(self._shape, Decimal(str(filters.after[0]))), filters.after[1])
                statement = statement.where(tuple_(key, Product.id) > after)
            return statement.order_by(key, Product.id).limit(limit)
        if filters.after is not None:
            statement = statement.where(tuple_(Product.created_at, Product.id) < filters.after)
        return statement.order_by(Product.created_at.desc(), Product.id.desc()).limit(limit)

    def lock(self, product_id: int) -> Found | None:
        """Return one product, as it will stay until the transaction ends."""
        statement = select(Product, *columns.reads(self._shape, _LISTED)).options(load_only(*_STABLE, raiseload=True))
        found = self._read(statement.where(Product.id == product_id).with_for_update(of=Product), _LISTED)
        return found[0] if found else None

    def add(self, plain: Mapping[str, Any], moved: Mapping[str, Any]) -> int:
        """Insert a product and return its number."""
        stored = {**plain, **columns.writes(self._shape, moved)}
        product_id: int = self._session.execute(insert(PRODUCTS).values(stored).returning(PRODUCTS.c.id)).scalar_one()
        if moved["description"] is not None:
            self._describe(product_id, moved["description"])
        self.add_price(product_id, moved["price"], plain["currency"])
        return product_id

    def replace(self, product_id: int, plain: Mapping[str, Any], moved: Mapping[str, Any]) -> None:
        """Give a product other values."""
        stored = {**plain, **columns.writes(self._shape, moved), "updated_at": func.now()}
        self._session.execute(update(PRODUCTS).where(PRODUCTS.c.id == product_id).values(stored))
        self._describe(product_id, moved["description"])

    def add_price(self, product_id: int, amount: Decimal, currency: str) -> None:
        """Add an entry to the history of prices."""
        self._session.execute(insert(Price).values(product_id=product_id, amount=amount, currency=currency))

    def remove(self, product_id: int) -> None:
        """Delete a product and its variants, which not every shape of the schema ties to it."""
        self._session.execute(delete(Variant).where(Variant.product_id == product_id))
        self._session.execute(delete(PRODUCTS).where(PRODUCTS.c.id == product_id))

    def exists(self, product_id: int) -> bool:
        """Tell whether there is such a product."""
        return self._session.execute(select(Product.id).where(Product.id == product_id)).first() is not None

    def _describe(self, product_id: int, body: str | None) -> None:
        if self._shape.description != "new":
            return
        statement = upsert(ProductDescription).values(product_id=product_id, body=body)
        self._session.execute(
            statement.on_conflict_do_update(index_elements=["product_id"], set_={"body": statement.excluded.body})
        )

    def _select(self, moves: Sequence[str]) -> Select[Any]:
        statement = select(Product, *columns.reads(self._shape, moves)).options(
            load_only(*_STABLE, raiseload=True),
            joinedload(Product.category).load_only(Category.parent_id, Category.slug, Category.name),
            selectinload(Product.variants),
        )
        if columns.reads_descriptions(self._shape, moves):
            statement = statement.outerjoin(ProductDescription, ProductDescription.product_id == Product.id)
        return statement

    def _conditions(self, filters: Filters) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if filters.category is not None:
            found.append(Product.category_id == filters.category)
        if filters.tag is not None:
            found.append(columns.has_tag(self._shape, filters.tag))
        if filters.min_price is not None:
            found.append(columns.price(self._shape) >= columns.stored_price(self._shape, filters.min_price))
        if filters.max_price is not None:
            found.append(columns.price(self._shape) <= columns.stored_price(self._shape, filters.max_price))
        return found

    def _read(self, statement: Select[Any], moves: Sequence[str]) -> list[Found]:
        return [
            Found(row[0], columns.values(row, self._shape, moves, self._compared))
            for row in self._session.execute(statement)
        ]
