"""Reads the bytes of an SQL file as psql would take them: statements with their lines, or why that is not possible."""

from __future__ import annotations

import re
from dataclasses import dataclass

from migrator.sql.errors import SqlError
from migrator.sql.statement import Statement, parse

MAX_BYTES = 20_000_000
_META = re.compile(r"^[ \t]*\\[a-zA-Z!?].*$", re.MULTILINE)
_COPY_DATA = re.compile(
    r"(^[ \t]*COPY\b[^;]*?\bFROM\s+stdin\b[^;]*;)(.*?^\\\.$)", re.IGNORECASE | re.MULTILINE | re.DOTALL
)
_NOT_NEWLINE = re.compile(r"[^\n]")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a file cannot be checked, and where."""

    reason: str
    line: int = 0
    column: int = 0
    excerpt: str = ""


def read_sql(content: bytes) -> tuple[Statement, ...] | Unreadable:
    """Return the statements of a file."""
    if len(content) > MAX_BYTES:
        return Unreadable(f"the file has {len(content) / 1e6:.0f} MB; more than {MAX_BYTES / 1e6:.0f} MB are not read")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Unreadable("the file is not UTF-8", line, 1)
    try:
        return parse(_META.sub(_blank, _COPY_DATA.sub(_without_data, text)))
    except SqlError as error:
        return Unreadable(error.message.rpartition(" (line ")[0], error.line, error.column, error.excerpt)


def _blank(found: re.Match[str]) -> str:
    return _NOT_NEWLINE.sub(" ", found[0])


def _without_data(found: re.Match[str]) -> str:
    return found[1] + _NOT_NEWLINE.sub(" ", found[2])
