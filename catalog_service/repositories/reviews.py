"""Reviews in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, insert, select, tuple_
from sqlalchemy.orm import Session

from catalog_schema.models import Review


def page(session: Session, product_id: int, after: tuple[datetime, int] | None, limit: int) -> Sequence[Review]:
    """Return the reviews of a product, newest first."""
    return session.scalars(page_statement(product_id, after, limit)).all()


def page_statement(product_id: int, after: tuple[datetime, int] | None, limit: int) -> Select[Review]:
    """Return the statement of a page, for the script that looks at its plan too."""
    statement = select(Review).where(Review.product_id == product_id)
    if after is not None:
        statement = statement.where(tuple_(Review.created_at, Review.id) < after)
    return statement.order_by(Review.created_at.desc(), Review.id.desc()).limit(limit)


def add(session: Session, product_id: int, author: str, rating: int, body: str | None) -> Review:
    """Insert a review and return it."""
    values = {"product_id": product_id, "author": author, "rating": rating, "body": body}
    return session.scalars(insert(Review).values(values).returning(Review)).one()
