"""Categories in the database."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog_schema.models import Category


def get(session: Session, category_id: int) -> Category | None:
    """Return one category."""
    return session.get(Category, category_id)


def page(session: Session, parent: int | None, after: int, limit: int) -> Sequence[Category]:
    """Return categories in the order of their numbers, all or the children of one."""
    statement = select(Category).where(Category.id > after).order_by(Category.id).limit(limit)
    if parent is not None:
        statement = statement.where(Category.parent_id == parent)
    return session.scalars(statement).all()
