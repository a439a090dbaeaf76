"""A relation's name as PostgreSQL reads it, and as SQL writes it; not whether the relation exists."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase
from typing import Any

from migrator.sql.errors import NameSyntaxError

MAX_NAME_BYTES = 63
"""PostgreSQL cuts longer identifiers (NAMEDATALEN - 1)."""

SYSTEM_COLUMNS = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})
"""Every table has these, and none has a column of its own that is called so."""

_PART = re.compile(r'\s*(?:"((?:[^"\0]|"")+)"|([A-Za-z_\u0080-\U0010ffff][\w$]*))\s*')
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")
_FOLD = str.maketrans(ascii_uppercase, ascii_lowercase)


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """A name with its schema, or without one where the search path decides. Both parts are as the catalog has them."""

    name: str
    schema: str | None = None

    def quoted(self) -> str:
        """Return the name as SQL, in double quotes only where SQL needs them."""
        return quote(self.name) if self.schema is None else f"{quote(self.schema)}.{quote(self.name)}"

    def beside(self, name: str) -> Name:
        """Return `name` in the schema of this one."""
        return Name(name, self.schema)

    def same(self, other: Name) -> bool:
        """Say whether both can be one relation: names equal, schemas equal or one of them not given."""
        return self.name == other.name and (None in (self.schema, other.schema) or self.schema == other.schema)

    def __str__(self) -> str:
        return self.quoted()


def name_of(range_var: Any) -> Name:
    """Return the name in a RangeVar of the parse tree."""
    return Name(range_var.relname, range_var.schemaname or None)


def split_parts(text: str) -> tuple[str, ...]:
    """Return the parts of a dotted SQL name: unquoted ones in lower case, quoted ones as they are, all cut to 63 bytes.

    Raises:
        NameSyntaxError
    """
    parts: list[str] = []
    position = 0
    while True:
        found = _PART.match(text, position)
        if not found:
            raise NameSyntaxError(f"not a name: {text!r}", help='quote unusual names: "Like This"')
        part = found[1].replace('""', '"') if found[1] else found[2].translate(_FOLD)
        parts.append(clip(part, MAX_NAME_BYTES))
        position = found.end()
        if position == len(text):
            return tuple(parts)
        if text[position] != ".":
            raise NameSyntaxError(f"not a name: {text!r}", help='quote unusual names: "Like This"')
        position += 1


def split_name(text: str) -> Name:
    """Return the relation that `name` or `schema.name` means.

    Raises:
        NameSyntaxError: no name, or more than two parts.
    """
    parts = split_parts(text)
    if len(parts) > 2:
        raise NameSyntaxError(f"too many dots: {text!r}", help="write schema.name")
    return Name(parts[-1], parts[0] if len(parts) == 2 else None)


def clip(text: str, size: int) -> str:
    """Return the longest beginning of `text` that fits into `size` bytes of UTF-8 without half a character."""
    return text.encode()[:size].decode(errors="ignore")


def named(parts: Sequence[str]) -> Name:
    """Return the name that the parts spell: a schema, if there is one, and what is in it."""
    return Name(parts[-1], parts[-2] if len(parts) > 1 else None)


def literal(text: str) -> str:
    """Return the text as a constant in SQL."""
    return "'{}'".format(text.replace("'", "''"))


@lru_cache(maxsize=4096)
def quote(identifier: str) -> str:
    """Return `identifier` as SQL, quoted where PostgreSQL's `quote_ident` would quote it."""
    if _PLAIN.fullmatch(identifier) and not _is_keyword(identifier):
        return identifier
    return '"{}"'.format(identifier.replace('"', '""'))


def _is_keyword(word: str) -> bool:
    from migrator.sql.parser import tokens  # noqa: PLC0415 - the parser takes 0.2 s to import

    return any(token.keyword_kind > 1 for token in tokens(word))
