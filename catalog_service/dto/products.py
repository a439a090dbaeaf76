"""Products as they are shown, and as they are written."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from catalog_service.dto.base import (
    WHOLE,
    Amount,
    Currency,
    Dto,
    Id,
    Line,
    Listing,
    Moment,
    Price,
    Prose,
    Sku,
    Status,
    TagName,
)
from catalog_service.dto.categories import Category


class Variant(Dto):
    """A size or colour in which a product is sold."""

    id: int
    sku: str
    label: str
    stock: int


class ProductSummary(Dto):
    """A product as lists show it; `tags` is null until somebody tagged it."""

    id: int
    sku: str
    title: str
    category: Category | None
    tags: tuple[str, ...] | None
    price: Amount
    currency: str
    status: str
    variants: tuple[Variant, ...]
    created_at: Moment
    updated_at: Moment


class Product(ProductSummary):
    """A product with all there is to say about it."""

    description: str | None
    weight_grams: int | None


class ProductPage(Dto):
    """Some products, and the cursor of the next page; null on the last."""

    items: tuple[ProductSummary, ...]
    next: str | None


class ProductWrite(Dto):
    """Everything about a product that a client decides."""

    sku: Sku
    title: Line
    category_id: Id | None = None
    tags: Annotated[tuple[TagName, ...], Field(max_length=50)] | None = None
    price: Price
    currency: Currency = "EUR"
    status: Status = "active"
    description: Prose | None = None
    weight_grams: Annotated[int, Field(ge=0, le=2_000_000_000), WHOLE] | None = None


class ProductQuery(Listing):
    """All products on sale, newest first."""


class PriceRange(Listing):
    """A list that can be narrowed to a range of prices."""

    min_price: Price | None = None
    max_price: Price | None = None


class CategoryProductQuery(PriceRange):
    """The products of one category."""

    sort: Literal["newest", "price"] = "newest"


class SearchQuery(PriceRange):
    """The products that bear a tag, newest first."""

    tag: TagName
    category: Id | None = None
