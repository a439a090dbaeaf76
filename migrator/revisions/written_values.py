"""Writes the values of an INSERT or UPDATE into its text, so that they can be judged like those that stand there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from migrator.sql.names import literal

_PLAIN = (str, bool, int, float, Decimal, date)
_CHANGES = re.compile(r"\s*(?:INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
_VALUES = re.compile(r"(.*\bVALUES\s*)(\((?:[^()]|\([^()]*\))*\))(.*)", re.IGNORECASE | re.DOTALL)
_MOST_ROWS = 200
"""More of a seed are not looked at: they are much alike."""


def with_values(sql: str, rows: Sequence[Any]) -> str:
    """Return the text with its parameters written out, the first rows of many; empty where they are no plain values."""
    plain = all(
        isinstance(row, Mapping) and all(one is None or type(one) in _PLAIN for one in row.values()) for row in rows
    )
    if not plain or not _CHANGES.match(sql):
        return ""
    written = [{name: _constant(value) for name, value in row.items()} for row in rows[:_MOST_ROWS]]
    parts = _VALUES.fullmatch(sql)
    try:
        if len(written) == 1:
            return sql % written[0]
        if parts is None:
            return ""
        before, values, after = parts.groups()
        return f"{before % {}}{', '.join(values % row for row in written)}{after % {}}"
    except (KeyError, TypeError, ValueError):
        return ""


def _constant(value: Any) -> str:
    if value is None:
        return "NULL"
    return str(value).lower() if isinstance(value, bool) else str(value) if type(value) is int else literal(str(value))
