"""Reviews as they are shown, and as they are written."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from catalog_service.dto.base import WHOLE, Dto, Line, Listing, Moment, Prose

ANONYMOUS = "Anonymous"
"""Shown for, and stored as, the author of a review that names none."""


class Review(Dto):
    """What a customer wrote about a product."""

    id: int
    product_id: int
    author: str
    rating: int
    body: str | None
    created_at: Moment


class ReviewPage(Dto):
    """Some reviews, newest first, and the cursor of the next page; null on the last."""

    items: tuple[Review, ...]
    next: str | None


class ReviewWrite(Dto):
    """A review to be added."""

    author: Line = ANONYMOUS
    rating: Annotated[int, Field(ge=1, le=5), WHOLE]
    body: Prose | None = None


class ReviewQuery(Listing):
    """The reviews of one product."""
