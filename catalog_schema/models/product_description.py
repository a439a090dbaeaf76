"""ProductDescription: the long text of a product, apart from the row that every list reads."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from catalog_schema.models.base import Base


class ProductDescription(Base):
    """The description of one product; a product that has none may have a row without body, or no row."""

    __tablename__ = "product_descriptions"

    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), primary_key=True)
    body: Mapped[str | None]
