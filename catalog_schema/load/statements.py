"""The SQL that the application sends, for one shape of the schema; sends nothing."""

from dataclasses import dataclass
from functools import cache

from catalog_schema.load.shapes import Shape

_UPSERT_DESCRIPTION = """
    INSERT INTO product_descriptions (product_id, body)
    SELECT id, %(value)s FROM products WHERE id = %(id)s
    ON CONFLICT (product_id) DO UPDATE SET body = excluded.body
    RETURNING product_id
"""

ADD_DESCRIPTION = "INSERT INTO product_descriptions (product_id, body) VALUES (%(id)s, %(body)s)"
ADD_VARIANT = "INSERT INTO variants (product_id, sku, label) VALUES (%(id)s, %(sku)s, 'one size')"
DELETE_VARIANTS = "DELETE FROM variants WHERE product_id = %(id)s"
DELETE_PRODUCT = "DELETE FROM products WHERE id = %(id)s"
ADD_PRICE = "INSERT INTO prices (product_id, amount) SELECT id, %(amount)s FROM products WHERE id = %(id)s"
ADD_REVIEW = """
    INSERT INTO reviews (product_id, author, rating)
    SELECT id, %(author)s, 4 FROM products WHERE id = %(id)s
    RETURNING id
"""
SET_AUTHOR = "UPDATE reviews SET author = %(value)s WHERE id = %(id)s RETURNING id"
READ_REVIEWS = "SELECT author, rating, body FROM reviews WHERE product_id = %(id)s LIMIT 10"
REVIEWS_BY_ID = "SELECT id, author FROM reviews WHERE id = ANY (%(ids)s)"
LAST_IDS = "SELECT (SELECT coalesce(max(id), 0) FROM products), (SELECT coalesce(max(id), 0) FROM reviews)"


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements on products, which differ from shape to shape."""

    read: str
    page: str
    tagged: str
    by_id: str
    insert: str
    set_title: str
    set_tags: str
    set_price: str
    set_description: str


@cache
def statements(shape: Shape) -> Statements:
    """Return the statements of an application written for `shape`."""
    title, tags, price, text = shape.title.name, shape.tags.name, shape.price.name, shape.description.name
    source = "products LEFT JOIN product_descriptions ON product_id = id" if shape.description_apart else "products"
    columns = f"id, {title}, {tags}, {price}, {text}"
    # The description of a new product is a column, or a statement of its own in the same transaction.
    more, value = ("", "") if shape.description_apart else (f", {text}", ", %(description)s")
    return Statements(
        read=f"SELECT {columns} FROM {source} WHERE id = %(id)s",
        page=f"SELECT id, {title}, {price} FROM products WHERE id > %(id)s ORDER BY id LIMIT 20",
        tagged=f"SELECT id, {tags} FROM products WHERE id BETWEEN %(id)s AND %(id)s + 300 AND {shape.has_tag}",
        by_id=f"SELECT {columns} FROM {source} WHERE id = ANY (%(ids)s)",
        insert=f"INSERT INTO products (sku, {title}, {tags}, {price}{more})"
        f" VALUES (%(sku)s, %(title)s, %(tags)s, %(price)s{value}) RETURNING id",
        set_title=_update(title),
        set_tags=_update(tags),
        set_price=_update(price),
        set_description=_UPSERT_DESCRIPTION if shape.description_apart else _update(text),
    )


def _update(column: str) -> str:
    return f"UPDATE products SET {column} = %(value)s, updated_at = now() WHERE id = %(id)s RETURNING id"
