"""Turns text as psycopg takes it (`%(name)s`, `%%`) into the SQL the server sees; not values into literals."""

from __future__ import annotations

import re

_PLACEHOLDER = re.compile(r"%(?:%|\((?P<name>[^)]*)\)[sbt]|(?P<plain>[sbt]))")


def server_text(text: str) -> str:
    """Return `text` with `%%` as `%` and placeholders numbered as psycopg numbers them: one number per name."""
    numbers: dict[str, int] = {}

    def replacement(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        key = found["name"] if found["plain"] is None else f"%{len(numbers)}"
        return f"${numbers.setdefault(key, len(numbers) + 1)}"

    return _PLACEHOLDER.sub(replacement, text)
