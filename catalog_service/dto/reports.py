"""The read model: what is reported about a product, validated on its way into and out of the document store."""

from __future__ import annotations

from catalog_service.dto.base import Amount, Dto, Id, Listing


class ProductReport(Dto):
    """A product in figures.

    Attributes:
        version: of the product's state that this was made from; 0 as long as the service has not written it.
    """

    product_id: int
    version: int
    title: str
    category_id: int | None
    price: Amount
    currency: str
    reviews: int
    rating_total: int
    variants: int
    stock: int


class ReportPage(Dto):
    """Some reports in the order of product numbers, and the cursor of the next page; null on the last."""

    items: tuple[ProductReport, ...]
    next: str | None


class ReportQuery(Listing):
    """The reports on all products, or on those of one category."""

    category: Id | None = None
