"""Small pieces of text that several rules write alike."""

from __future__ import annotations

from textwrap import shorten

_EXCERPT = 80


def one_line(sql: str) -> str:
    """Return a statement as part of a sentence."""
    return shorten(sql, _EXCERPT, placeholder=" ...")
