"""Cursors: where a list goes on, signed, and good only for the list they came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from catalog_service.services.errors import InvalidError


class Cursors:
    """Makes cursors and reads them back."""

    def __init__(self, secret: str) -> None:
        self._serializer = URLSafeSerializer(
            secret, salt="catalog.cursor", signer_kwargs={"digest_method": hashlib.sha256}
        )

    def make(self, question: Mapping[str, Any], position: list[Any]) -> str:
        """Return the cursor for what comes after `position` in the list that answers `question`."""
        return self._serializer.dumps([_digest(question), *position])

    def read(self, question: Mapping[str, Any], cursor: str | None) -> list[Any] | None:
        """Return the position, None without a cursor.

        Raises:
            InvalidError: it was not made by this service, or for another list.
        """
        if cursor is None:
            return None
        try:
            digest, *position = self._serializer.loads(cursor)
        except (BadData, ValueError, TypeError) as error:
            raise InvalidError("/cursor", "this cursor was not given out by this service") from error
        if digest != _digest(question):
            raise InvalidError("/cursor", "this cursor belongs to another list")
        found: list[Any] = position
        return found


def _digest(question: Mapping[str, Any]) -> str:
    text = json.dumps({name: str(value) for name, value in question.items()}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
