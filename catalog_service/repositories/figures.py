"""The figures of products, added up from the tables: what the read model is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from catalog_schema.models import Product, Review, Variant
from catalog_service.dto.reports import ProductReport
from catalog_service.repositories import columns, outbox
from catalog_service.repositories.columns import Differs
from catalog_service.repositories.shape import Shape

_MOVES = ("title", "price")


def of(session: Session, shape: Shape, product_ids: Sequence[int], compared: Differs) -> list[ProductReport]:
    """Return the figures of those of the products that exist, in the order of their numbers."""
    statement = select(Product.id, Product.category_id, Product.currency, *columns.reads(shape, _MOVES))
    rows = session.execute(statement.where(Product.id.in_(product_ids)).order_by(Product.id)).all()
    versions = outbox.versions(session, product_ids)
    reviews = _sums(session, Review.product_id, Review.rating, product_ids)
    variants = _sums(session, Variant.product_id, Variant.stock, product_ids)
    return [
        _report(row, columns.values(row, shape, _MOVES, compared), versions.get(row.id, 0),
                reviews.get(row.id, (0, 0)), variants.get(row.id, (0, 0)))
        for row in rows
    ]  # fmt: skip


def page(session: Session, after: int, limit: int, category: int | None = None) -> Sequence[int]:
    """Return the numbers of products after one, of all or of a category."""
    statement = select(Product.id).where(Product.id > after).order_by(Product.id).limit(limit)
    if category is not None:
        statement = statement.where(Product.category_id == category)
    return session.scalars(statement).all()


def _sums(session: Session, key: Any, value: Any, product_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    statement = select(key, func.count(), func.sum(value)).where(key.in_(product_ids)).group_by(key)
    return {product_id: (count, int(total)) for product_id, count, total in session.execute(statement)}


def _report(
    row: Row[Any], moved: dict[str, Any], version: int, reviews: tuple[int, int], variants: tuple[int, int]
) -> ProductReport:
    return ProductReport(
        product_id=row.id,
        version=version,
        title=moved["title"],
        category_id=row.category_id,
        price=moved["price"],
        currency=row.currency,
        reviews=reviews[0],
        rating_total=reviews[1],
        variants=variants[0],
        stock=variants[1],
    )
