"""Pages for people: a catalog to browse, made on the server, without scripts."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from catalog_service.dto.base import BIGGEST_ID
from catalog_service.dto.categories import CategoryQuery
from catalog_service.dto.products import CategoryProductQuery, ProductPage, ProductQuery, SearchQuery
from catalog_service.dto.reviews import ReviewQuery
from catalog_service.services.errors import NotFoundError
from catalog_service.web import asked
from catalog_service.web.clients import catalog, client

pages = Blueprint("pages", __name__, template_folder="templates")

_CATEGORIES = 100
_ASKED = ("category", "tag", "sort", "cursor")


@pages.get("/")
def browse() -> str:
    """Show a page of products, narrowed to a category or a tag."""
    # Links that are passed around carry parameters of others.
    wanted = {name: value for name in _ASKED if (value := request.args.get(name))}
    page = _products(wanted)
    categories = catalog().categories.page(CategoryQuery(limit=_CATEGORIES), client()).items
    chosen = wanted.get("category")
    if chosen is not None and all(str(one.id) != chosen for one in categories):
        categories += (catalog().categories.get(int(chosen), client()),)
    return render_template("browse.html", page=page, categories=categories, wanted=wanted)


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
        return products.search(asked.of_query(SearchQuery, _without(wanted, "sort")), client())
    if "category" in wanted:
        query = asked.of_query(CategoryProductQuery, _without(wanted, "category"))
        category = asked.of_query(CategoryQuery, {"parent": wanted["category"]}).parent
        return products.of_category(category or 0, query, client())
    return products.newest(asked.of_query(ProductQuery, _without(wanted, "sort")), client())


def _without(values: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in values.items() if key != name}
