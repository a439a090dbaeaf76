"""Categories: listing and showing them."""

from __future__ import annotations

from sqlalchemy.orm import Session

from catalog_schema.models import Category as Row
from catalog_service.cache import Cache, Entry
from catalog_service.dto.categories import Category, CategoryPage, CategoryQuery
from catalog_service.repositories import categories
from catalog_service.repositories.shape import Shape
from catalog_service.services.aftermath import Client
from catalog_service.services.cursors import Cursors
from catalog_service.services.errors import NotFoundError
from catalog_service.services.units import Units


class CategoryService:
    """Everything about categories."""

    def __init__(self, units: Units, cache: Cache, cursors: Cursors) -> None:
        self._units = units
        self._cache = cache
        self._cursors = cursors

    def get(self, category_id: int, client: Client) -> Category:
        """Return one category.

        Raises:
            NotFoundError: there is none of this number.
        """

        def load(*, fresh: bool) -> Category | None:
            def work(session: Session, _: Shape) -> Category | None:
                found = categories.get(session, category_id)
                return None if found is None else _category(found)

            return self._units.read(work, fresh=fresh)

        found = client.ask(self._cache, Entry("one category", {"id": category_id}, ("categories",)), Category, load)
        if found is None:
            raise NotFoundError
        return found

    def page(self, query: CategoryQuery, client: Client) -> CategoryPage:
        """Return a page of categories."""
        question = {"list": "categories", "parent": query.parent}
        (after,) = self._cursors.read(question, query.cursor) or [0]

        def load(*, fresh: bool) -> CategoryPage:
            def work(session: Session, _: Shape) -> CategoryPage:
                found = categories.page(session, query.parent, after, query.limit + 1)
                shown = found[: query.limit]
                more = self._cursors.make(question, [shown[-1].id]) if len(found) > query.limit else None
                return CategoryPage(items=tuple(_category(one) for one in shown), next=more)

            return self._units.read(work, fresh=fresh)

        entry = Entry("categories", {"parent": query.parent, "after": after, "limit": query.limit}, ("categories",))
        page = client.ask(self._cache, entry, CategoryPage, load)
        assert page is not None
        return page


def _category(row: Row) -> Category:
    return Category(id=row.id, parent_id=row.parent_id, slug=row.slug, name=row.name)
