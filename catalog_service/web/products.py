"""Products over HTTP."""

from __future__ import annotations

from catalog_service.dto.products import Product, ProductPage, ProductQuery, ProductWrite
from catalog_service.web.api import Api
from catalog_service.web.clients import catalog, client

api = Api("products", __name__)


@api.operation("GET", "/products")
def list_products(query: ProductQuery) -> ProductPage:
    """List all products on sale, newest first."""
    return catalog().products.newest(query, client())


@api.operation("POST", "/products", status=201, problems=(409,))
def add_product(body: ProductWrite) -> Product:
    """Put a product into the catalog."""
    return catalog().products.add(body, client())


@api.operation("GET", "/products/{product_id}", problems=(404,))
def get_product(product_id: int) -> Product:
    """Show a product."""
    return catalog().products.get(product_id, client())


@api.operation("PUT", "/products/{product_id}", problems=(404, 409))
def replace_product(product_id: int, body: ProductWrite) -> Product:
    """Give a product other values."""
    return catalog().products.replace(product_id, body, client())


@api.operation("DELETE", "/products/{product_id}", status=204, problems=(404,))
def remove_product(product_id: int) -> None:
    """Take a product out of the catalog."""
    catalog().products.remove(product_id, client())
