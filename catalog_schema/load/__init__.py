"""A stand-in for the application: reads and writes the catalog at a steady rate and measures what it notices.

Responsible for the load and for finding lost writes; changes no schema.
"""

from catalog_schema.load.process import BucketResult, Load, LoadError, Results

__all__ = ["BucketResult", "Load", "LoadError", "Results"]
