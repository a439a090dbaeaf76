"""Reviews: listing those of a product, and adding one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from psycopg import errors as pg
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from catalog_schema.models import Review as Row
from catalog_service.cache import Cache, Entry
from catalog_service.dto.reviews import ANONYMOUS, Review, ReviewPage, ReviewQuery, ReviewWrite
from catalog_service.repositories import outbox, reviews
from catalog_service.repositories.products import Products
from catalog_service.repositories.shape import Shape
from catalog_service.services.aftermath import Aftermath, Client
from catalog_service.services.cursors import Cursors
from catalog_service.services.errors import NotFoundError
from catalog_service.services.units import Units


class ReviewService:
    """Everything about reviews."""

    def __init__(self, units: Units, cache: Cache, cursors: Cursors, aftermath: Aftermath) -> None:
        self._units = units
        self._cache = cache
        self._cursors = cursors
        self._aftermath = aftermath

    def page(self, product_id: int, query: ReviewQuery, client: Client) -> ReviewPage:
        """Return a page of the reviews of a product.

        Raises:
            NotFoundError: there is no such product.
        """
        question = {"list": "reviews", "product": product_id}
        after = _position(self._cursors.read(question, query.cursor))

        def load(*, fresh: bool) -> ReviewPage | None:
            def work(session: Session, shape: Shape) -> ReviewPage | None:
                if not Products(session, shape, self._units.compared).exists(product_id):
                    return None
                found = reviews.page(session, product_id, after, query.limit + 1)
                shown = found[: query.limit]
                more = None
                if len(found) > query.limit:
                    more = self._cursors.make(question, [shown[-1].created_at.isoformat(), shown[-1].id])
                return ReviewPage(items=tuple(_review(one) for one in shown), next=more)

            return self._units.read(work, fresh=fresh)

        subjects = (f"reviews:{product_id}", f"product:{product_id}")
        entry = Entry("reviews", {"product": product_id, "after": after, "limit": query.limit}, subjects)
        page = client.ask(self._cache, entry, ReviewPage, load)
        if page is None:
            raise NotFoundError
        return page

    def add(self, product_id: int, new: ReviewWrite, client: Client) -> Review:
        """Add a review to a product.

        Raises:
            NotFoundError: there is no such product.
        """

        def work(session: Session, _: Shape) -> Review:
            added = _review(reviews.add(session, product_id, new.author, new.rating, new.body))
            outbox.changed(session, product_id)
            return added

        try:
            added = self._units.write(work)
        except IntegrityError as error:
            if isinstance(error.orig, pg.ForeignKeyViolation):
                raise NotFoundError from error
            raise
        self._aftermath.of(client, [product_id], {f"reviews:{product_id}"})
        return added


def _position(position: list[Any] | None) -> tuple[datetime, int] | None:
    return None if position is None else (datetime.fromisoformat(position[0]), position[1])


def _review(row: Row) -> Review:
    return Review(
        id=row.id,
        product_id=row.product_id,
        # Reviews from before names were required show the name that the plan gives them.
        author=row.author or ANONYMOUS,
        rating=row.rating,
        body=row.body,
        created_at=row.created_at,
    )
