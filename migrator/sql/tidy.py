"""SQL as a person would write it, of SQL that was put together; not what is sent."""

from __future__ import annotations

from migrator.sql.errors import SqlError
from migrator.sql.parser import deparse, parse_tree


def tidy(text: str) -> str:
    """Return one statement without needless quotes and parentheses, or as it is where it cannot be read."""
    try:
        return deparse(parse_tree(text).stmts[0].stmt)
    except (SqlError, AssertionError):
        return text
