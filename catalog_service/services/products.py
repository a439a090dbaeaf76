"""Products: listing, showing and changing them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from psycopg import errors as pg
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from catalog_service.cache import Cache, Entry
from catalog_service.dto.base import Listing
from catalog_service.dto.categories import Category
from catalog_service.dto.products import (
    CategoryProductQuery,
    Product,
    ProductPage,
    ProductQuery,
    ProductSummary,
    ProductWrite,
    SearchQuery,
    Variant,
)
from catalog_service.repositories import categories, outbox
from catalog_service.repositories.products import Filters, Found, Products
from catalog_service.repositories.shape import Shape
from catalog_service.services.aftermath import Aftermath, Client
from catalog_service.services.cursors import Cursors
from catalog_service.services.errors import ConflictError, InvalidError, NotFoundError
from catalog_service.services.units import Units, Work

_MOVED = ("title", "tags", "price", "description")
_ALL = "products"

T = TypeVar("T")


class ProductService:
    """Everything about products."""

    def __init__(self, units: Units, cache: Cache, cursors: Cursors, aftermath: Aftermath) -> None:
        self._units = units
        self._cache = cache
        self._cursors = cursors
        self._aftermath = aftermath

    def get(self, product_id: int, client: Client) -> Product:
        """Return one product.

        Raises:
            NotFoundError: there is none of this number.
        """

        def load(*, fresh: bool) -> Product | None:
            def work(session: Session, shape: Shape) -> Product | None:
                found = self._products(session, shape).get(product_id)
                return None if found is None else _product(found)

            return self._units.read(work, fresh=fresh)

        entry = Entry("product", {"id": product_id}, (_subject(product_id),))
        return _there(client.ask(self._cache, entry, Product, load))

    def newest(self, query: ProductQuery, client: Client) -> ProductPage:
        """Return a page of all products on sale."""
        return self._page("products", query, {}, (_ALL,), client)

    def of_category(self, category_id: int, query: CategoryProductQuery, client: Client) -> ProductPage:
        """Return a page of the products of a category.

        Raises:
            NotFoundError: there is no such category.
        """
        question = {"category": category_id, **query.model_dump(exclude={"limit", "cursor"})}
        subjects = (f"category:{category_id}",)
        return self._page("category", query, question, subjects, client)

    def search(self, query: SearchQuery, client: Client) -> ProductPage:
        """Return a page of the products that bear a tag."""
        question = query.model_dump(exclude={"limit", "cursor"})
        return self._page("search", query, question, (f"tag:{query.tag}",), client)

    def add(self, new: ProductWrite, client: Client) -> Product:
        """Put a product into the catalog.

        Raises:
            ConflictError: its SKU is taken.
            InvalidError: its category does not exist.
        """

        def work(session: Session, shape: Shape) -> Product:
            products = self._products(session, shape)
            product_id = products.add(_plain(new), _moved(new))
            added = _product(_there(products.get(product_id)))
            outbox.changed(session, product_id)
            return added

        added = self._write(work)
        self._aftermath.of(client, [added.id], _subjects(added.id, [new]))
        return added

    def replace(self, product_id: int, new: ProductWrite, client: Client) -> Product:
        """Give a product other values.

        Raises:
            NotFoundError: there is none of this number.
            ConflictError: its SKU is taken.
            InvalidError: its category does not exist.
        """

        def work(session: Session, shape: Shape) -> tuple[set[str], Product]:
            products = self._products(session, shape)
            before = _there(products.lock(product_id))
            shown = _subjects(product_id, [before, new])
            products.replace(product_id, _plain(new), _moved(new))
            if (before.moved["price"], before.product.currency) != (new.price, new.currency):
                products.add_price(product_id, new.price, new.currency)
            session.expire(before.product)
            after = _product(_there(products.get(product_id)))
            outbox.changed(session, product_id)
            return shown, after

        shown, after = self._write(work)
        self._aftermath.of(client, [product_id], shown)
        return after

    def remove(self, product_id: int, client: Client) -> None:
        """Take a product out of the catalog.

        Raises:
            NotFoundError: there is none of this number.
        """

        def work(session: Session, shape: Shape) -> Found:
            products = self._products(session, shape)
            before = _there(products.lock(product_id))
            products.remove(product_id)
            outbox.changed(session, product_id)
            return before

        before = self._write(work)
        self._aftermath.of(client, [product_id], _subjects(product_id, [before]))

    def _write(self, work: Work[T]) -> T:
        try:
            return self._units.write(work)
        except IntegrityError as error:
            if isinstance(error.orig, pg.UniqueViolation):
                raise ConflictError("another product has this SKU") from error
            if isinstance(error.orig, pg.ForeignKeyViolation):
                raise InvalidError("/category_id", "there is no such category") from error
            raise

    def _page(
        self,
        kind: str,
        listing: Listing,
        question: Mapping[str, Any],
        subjects: tuple[str, ...],
        client: Client,
    ) -> ProductPage:
        # Read before the cache is asked, so that a forged cursor is refused and not looked up.
        limit, by_price = listing.limit, question.get("sort") == "price"
        after = _position(self._cursors.read({"list": kind, **question}, listing.cursor), by_price)
        filters = Filters(
            category=question.get("category"),
            tag=question.get("tag"),
            min_price=question.get("min_price"),
            max_price=question.get("max_price"),
            by_price=by_price,
            after=after,
        )

        def load(*, fresh: bool) -> ProductPage | None:
            def work(session: Session, shape: Shape) -> ProductPage | None:
                if kind == "category" and categories.get(session, filters.category or 0) is None:
                    return None
                found = self._products(session, shape).page(filters, limit + 1)
                items = tuple(ProductSummary(**_summary(one)) for one in found[:limit])
                more = len(found) > limit
                position = _position_of(found[limit - 1], by_price) if more else None
                return ProductPage(
                    items=items, next=position and self._cursors.make({"list": kind, **question}, position)
                )

            return self._units.read(work, fresh=fresh)

        entry = Entry(kind, {**question, "limit": limit, "after": after}, subjects)
        return _there(client.ask(self._cache, entry, ProductPage, load))

    def _products(self, session: Session, shape: Shape) -> Products:
        return Products(session, shape, self._units.compared)


def _position(position: list[Any] | None, by_price: bool) -> tuple[datetime | Decimal, int] | None:
    if position is None:
        return None
    key, product_id = position
    return (Decimal(key) if by_price else datetime.fromisoformat(key)), product_id


def _position_of(found: Found, by_price: bool) -> list[Any]:
    key = str(found.moved["price"]) if by_price else found.product.created_at.isoformat()
    return [key, found.product.id]


def _there(found: T | None) -> T:
    if found is None:
        raise NotFoundError
    return found


def _plain(new: ProductWrite) -> dict[str, Any]:
    return new.model_dump(exclude=set(_MOVED))


def _moved(new: ProductWrite) -> dict[str, Any]:
    return {move: getattr(new, move) for move in _MOVED}


def _summary(found: Found) -> dict[str, Any]:
    product, category = found.product, found.product.category
    return {
        "id": product.id,
        "sku": product.sku,
        "title": found.moved["title"],
        "category": category
        and Category(id=category.id, parent_id=category.parent_id, slug=category.slug, name=category.name),
        "tags": found.moved["tags"],
        "price": found.moved["price"],
        "currency": product.currency,
        "status": product.status,
        "variants": tuple(
            Variant(id=one.id, sku=one.sku, label=one.label, stock=one.stock)
            for one in sorted(product.variants, key=lambda one: one.id)
        ),
        "created_at": product.created_at,
        "updated_at": product.updated_at,
    }


def _product(found: Found) -> Product:
    more = {"description": found.moved["description"], "weight_grams": found.product.weight_grams}
    return Product(**_summary(found), **more)


def _subject(product_id: int) -> str:
    return f"product:{product_id}"


def _subjects(product_id: int, states: Iterable[Found | ProductWrite]) -> set[str]:
    subjects = {_ALL, _subject(product_id)}
    for state in states:
        category = state.product.category_id if isinstance(state, Found) else state.category_id
        tags = state.moved["tags"] if isinstance(state, Found) else state.tags
        subjects |= {f"tag:{tag}" for tag in tags or ()}
        subjects |= {f"category:{category}"} if category is not None else set()
    return subjects
