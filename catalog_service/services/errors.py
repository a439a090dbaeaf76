"""The ways of saying no that a caller can do something about; how they look over HTTP is decided elsewhere."""

from __future__ import annotations


class CatalogError(Exception):
    """Base of all."""


class NotFoundError(CatalogError):
    """There is no such thing."""


class ConflictError(CatalogError):
    """Something else is in the way."""


class InvalidError(CatalogError):
    """A value is well-formed and yet cannot be right; `pointer` says which."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(detail)
        self.pointer = pointer
        self.detail = detail


class UnavailableError(CatalogError):
    """The database does not answer."""
