"""Review: what a customer wrote about a product."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from catalog_schema.models.base import Base, Key, Moment


class Review(Base):
    """A review; ``author`` is a display name, given by the application where the customer gives none."""

    __tablename__ = "reviews"

    id: Mapped[Key]
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"))
    author: Mapped[str]
    rating: Mapped[int] = mapped_column(SmallInteger)
    body: Mapped[str | None]
    created_at: Mapped[Moment]

    __table_args__ = (
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating_in_range"),
        Index("ix_reviews_product_newest", "product_id", text("created_at DESC"), text("id DESC")),
    )
