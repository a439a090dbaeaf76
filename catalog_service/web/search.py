"""The search over HTTP."""

from __future__ import annotations

from catalog_service.dto.products import ProductPage, SearchQuery
from catalog_service.web.api import Api
from catalog_service.web.clients import catalog, client

api = Api("search", __name__)


@api.operation("GET", "/search")
def search_products(query: SearchQuery) -> ProductPage:
    """Find products on sale by tag, price and category."""
    return catalog().products.search(query, client())
