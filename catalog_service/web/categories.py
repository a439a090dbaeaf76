"""Categories over HTTP."""

from __future__ import annotations

from catalog_service.dto.categories import Category, CategoryPage, CategoryQuery
from catalog_service.dto.products import CategoryProductQuery, ProductPage
from catalog_service.web.api import Api
from catalog_service.web.clients import catalog, client

api = Api("categories", __name__)


@api.operation("GET", "/categories")
def list_categories(query: CategoryQuery) -> CategoryPage:
    """List categories."""
    return catalog().categories.page(query, client())


@api.operation("GET", "/categories/{category_id}", problems=(404,))
def get_category(category_id: int) -> Category:
    """Show a category."""
    return catalog().categories.get(category_id, client())


@api.operation("GET", "/categories/{category_id}/products", problems=(404,))
def list_category_products(category_id: int, query: CategoryProductQuery) -> ProductPage:
    """List the products of a category that are on sale."""
    return catalog().products.of_category(category_id, query, client())
