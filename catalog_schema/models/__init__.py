"""The catalog's tables as the application sees them once every plan is complete.

Responsible for the schema at head; how a database gets there is the business of the revisions and the plans.
"""

from catalog_schema.models.base import Base
from catalog_schema.models.category import Category
from catalog_schema.models.price import Price
from catalog_schema.models.product import Product
from catalog_schema.models.product_description import ProductDescription
from catalog_schema.models.review import Review
from catalog_schema.models.variant import Variant

__all__ = ["Base", "Category", "Price", "Product", "ProductDescription", "Review", "Variant"]
