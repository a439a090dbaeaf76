"""Variant: one size or colour in which a product is sold."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Integer
from sqlalchemy.orm import Mapped, mapped_column

from catalog_schema.models.base import Base, Key, Moment


class Variant(Base):
    """A variant. One without product was left behind by a deletion and is kept for the orders that name it."""

    __tablename__ = "variants"

    id: Mapped[Key]
    product_id: Mapped[int | None] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), index=True)
    sku: Mapped[str] = mapped_column(unique=True)
    label: Mapped[str]
    stock: Mapped[int] = mapped_column(Integer, server_default="0")
    created_at: Mapped[Moment]
