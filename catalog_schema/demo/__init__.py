"""A whole change shown on a private server: what `migrator demo` runs for the catalog.

Uses migrator only as a user does, by typing its commands; imports nothing of it.
"""

from catalog_schema.demo.run import run

__all__ = ["run"]
