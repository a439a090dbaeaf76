"""Categories as they are shown."""

from __future__ import annotations

from catalog_service.dto.base import Dto, Id, Listing


class Category(Dto):
    """A node of the category tree; a root has no parent."""

    id: int
    parent_id: int | None
    slug: str
    name: str


class CategoryPage(Dto):
    """Some categories, and the cursor of the next page; null on the last."""

    items: tuple[Category, ...]
    next: str | None


class CategoryQuery(Listing):
    """All categories, or the children of one."""

    parent: Id | None = None
