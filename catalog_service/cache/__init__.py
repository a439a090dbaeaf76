"""Answers kept for a short while, forgotten when what they show is changed."""

from catalog_service.cache.cache import Cache, Entry

__all__ = ["Cache", "Entry"]
