"""Price: what a product cost from some moment on."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from catalog_schema.models.base import Base, Key, Moment, Money


class Price(Base):
    """An entry of the price history; the current price is on the product."""

    __tablename__ = "prices"

    id: Mapped[Key]
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"))
    amount: Mapped[Money]
    currency: Mapped[str] = mapped_column(server_default="EUR")
    valid_from: Mapped[Moment]

    __table_args__ = (Index("ix_prices_product_newest", "product_id", text("valid_from DESC")),)
