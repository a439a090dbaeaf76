"""Deterministic data for the catalog at its baseline revision, sent with COPY.

Responsible for what a realistic catalog holds and for getting it into an empty schema fast; creates no tables.
The same number of products and seed give the same bytes on every machine and Python version.
"""

from catalog_schema.seed.sender import NotEmptyError, load
from catalog_schema.seed.tables import Sizes, table_blocks

__all__ = ["NotEmptyError", "Sizes", "load", "table_blocks"]
