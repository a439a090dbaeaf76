"""Product: what the catalog sells."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from catalog_schema.models.base import Base, Key, Moment, Money
from catalog_schema.models.category import Category
from catalog_schema.models.price import Price
from catalog_schema.models.product_description import ProductDescription
from catalog_schema.models.review import Review
from catalog_schema.models.variant import Variant

_LISTED = text("status = 'active'")
_NEWEST = (text("created_at DESC"), text("id DESC"))


class Product(Base):
    """A product. ``tags`` is NULL until somebody tagged it and empty once all tags were taken away."""

    __tablename__ = "products"

    id: Mapped[Key]
    sku: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    category_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"), index=True)
    tags: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    price: Mapped[Money]
    currency: Mapped[str] = mapped_column(server_default="EUR")
    status: Mapped[str] = mapped_column(server_default="active")
    weight_grams: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]

    category: Mapped[Category | None] = relationship()
    description: Mapped[ProductDescription | None] = relationship(passive_deletes=True)
    variants: Mapped[list[Variant]] = relationship(passive_deletes=True)
    prices: Mapped[list[Price]] = relationship(passive_deletes=True)
    reviews: Mapped[list[Review]] = relationship(passive_deletes=True)

    __table_args__ = (
        CheckConstraint("currency IN ('CHF', 'EUR', 'GBP', 'PLN', 'SEK', 'USD')", name="currency_has_cents"),
        CheckConstraint("status IN ('draft', 'active', 'retired')", name="status_known"),
        CheckConstraint("price >= 0", name="price_not_negative"),
        # A tag is also shown, and imported, as an item of a comma text: what cannot survive that is no tag.
        CheckConstraint(
            "tags IS NOT DISTINCT FROM string_to_array(array_to_string(tags, ','), ',')", name="tags_fit_comma_text"
        ),
        Index(None, "tags", postgresql_using="gin"),
        Index("ix_products_newest", *_NEWEST, postgresql_where=_LISTED),
        Index("ix_products_category_newest", "category_id", *_NEWEST, postgresql_where=_LISTED),
        Index("ix_products_category_price", "category_id", "price", "id", postgresql_where=_LISTED),
    )
