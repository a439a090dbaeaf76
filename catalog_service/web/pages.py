"""Pages for people: a catalog to browse, made on the server, without scripts."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from catalog_service.dto.base import BIGGEST_ID
from catalog_service.dto.categories import CategoryQuery
from catalog_service.dto.products import CategoryProductQuery, ProductPage, ProductQuery, SearchQuery
from catalog_service.dto.reviews import ReviewQuery
from catalog_service.services.errors import NotFoundError
from catalog_service.web.clients import catalog, client

pages = Blueprint("pages", __name__, template_folder="templates")

_CATEGORIES = 100


@pages.get("/")
def browse() -> str:
    """Show a page of products, narrowed to a category or a tag."""
    wanted = {name: value for name, value in request.args.items() if value}
    categories = catalog().categories.page(CategoryQuery(limit=_CATEGORIES), client())
    return render_template("browse.html", page=_products(wanted), categories=categories.items, wanted=wanted)


@pages.get("/products/<int:product_id>")
def show(product_id: int) -> str:
    """Show one product and its latest reviews."""
    if product_id > BIGGEST_ID:
        raise NotFoundError
    product = catalog().products.get(product_id, client())
    reviews = catalog().reviews.page(product_id, ReviewQuery(), client())
    return render_template("product.html", product=product, reviews=reviews.items)


def _products(wanted: dict[str, str]) -> ProductPage:
    products = catalog().products
    if "tag" in wanted:
        return products.search(SearchQuery.model_validate({k: v for k, v in wanted.items() if k != "sort"}), client())
    if "category" in wanted:
        query = CategoryProductQuery.model_validate({k: v for k, v in wanted.items() if k != "category"})
        category = CategoryQuery.model_validate({"parent": wanted["category"]}).parent
        return products.of_category(category or 0, query, client())
    return products.newest(ProductQuery.model_validate({k: v for k, v in wanted.items() if k != "sort"}), client())
