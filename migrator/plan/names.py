"""Responsible for reading names of tables and columns as PostgreSQL reads them; not for whether they exist."""

from __future__ import annotations

import re
from string import ascii_lowercase, ascii_uppercase

MAX_NAME_BYTES = 63

_PART = re.compile(r'"((?:[^"]|"")+)"|([A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_$\u0080-\U0010ffff]*)')
_FOLD = str.maketrans(ascii_uppercase, ascii_lowercase)


def identifiers(name: str) -> tuple[str, ...]:
    """Return the names that a dotted SQL name stands for: lower case unless quoted, without the quotes.

    Raises:
        ValueError: the text is no name; the message says how to write one.
    """
    parts: list[str] = []
    position = 0
    while True:
        found = _PART.match(name, position)
        if not found:
            raise ValueError("write other than letters, digits and _ in double quotes: '\"Weird Table\"'")
        part = found[1].replace('""', '"') if found[1] else found[2].translate(_FOLD)
        if len(part.encode()) > MAX_NAME_BYTES:
            raise ValueError(f"PostgreSQL cuts names after {MAX_NAME_BYTES} bytes")
        parts.append(part)
        position = found.end()
        if position == len(name):
            return tuple(parts)
        if name[position] != ".":
            raise ValueError("write other than letters, digits and _ in double quotes: '\"Weird Table\"'")
        position += 1


def canonical(name: str) -> str:
    """Return one spelling for every way to write the same dotted name; for comparing, not for SQL."""
    plain = re.compile("[a-z_][a-z0-9_]*")
    return ".".join(
        part if plain.fullmatch(part) else '"{}"'.format(part.replace('"', '""')) for part in identifiers(name)
    )
