"""Reviews over HTTP."""

from __future__ import annotations

from catalog_service.dto.reviews import Review, ReviewPage, ReviewQuery, ReviewWrite
from catalog_service.web.api import Api
from catalog_service.web.clients import catalog, client

api = Api("reviews", __name__)


@api.operation("GET", "/products/{product_id}/reviews", problems=(404,))
def list_reviews(product_id: int, query: ReviewQuery) -> ReviewPage:
    """List the reviews of a product, newest first."""
    return catalog().reviews.page(product_id, query, client())


@api.operation("POST", "/products/{product_id}/reviews", status=201, problems=(404,))
def add_review(product_id: int, body: ReviewWrite) -> Review:
    """Review a product."""
    return catalog().reviews.add(product_id, body, client())
