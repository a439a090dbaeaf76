"""Reads the bytes of an SQL file as psql would take them: statements with their lines, or why that is not possible."""

from __future__ import annotations

import re
from dataclasses import dataclass

from migrator.sql.errors import SqlError
from migrator.sql.statement import Statement, parse

MAX_CHARACTERS = 20_000_000
_META = re.compile(r"^[ \t]*\\[a-zA-Z!?].*$", re.MULTILINE)
_INCLUDE = re.compile(
    r"^[ \t]*\\(?P<command>i|ir|include|include_relative)[ \t]+(?P<path>[^\n]+?)[ \t\r]*$", re.MULTILINE
)
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


@dataclass(frozen=True, slots=True)
class Include:
    r"""A ``\i`` of psql: another file, whose statements come after those of this one up to `line`."""

    path: str
    line: int
    excerpt: str
    relative: bool
    """To this file, as ``\\ir`` means it, and not to where psql was started."""


def read_sql(content: bytes) -> tuple[Statement, ...] | Unreadable:
    """Return the statements of a file; data that a COPY in it brings along, and commands of psql, are left out."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Unreadable("the file is not UTF-8", line, 1)
    text = _COPY_DATA.sub(_without_data, text)
    if len(text) > MAX_CHARACTERS:
        size, most = f"{len(text) / 1e6:.0f} MB", f"{MAX_CHARACTERS / 1e6:.0f} MB"
        return Unreadable(
            f"the file has {size} of SQL, and no more than {most} are read: split it, or bring its rows in with COPY"
        )
    try:
        return parse(_META.sub(_blank, text))
    except SqlError as error:
        return Unreadable(error.message.rpartition(" (line ")[0], error.line, error.column, error.excerpt)


def includes_in(text: str) -> tuple[Include, ...]:
    """Return the files that the text has psql read, in order."""
    if "\\i" not in text:
        return ()
    return tuple(
        Include(found["path"].strip("'\""), text.count("\n", 0, found.start()) + 1, found[0].rstrip("\r"),
                found["command"] in ("ir", "include_relative"))
        for found in _INCLUDE.finditer(_COPY_DATA.sub(_without_data, text))
    )  # fmt: skip


def _blank(found: re.Match[str]) -> str:
    return _NOT_NEWLINE.sub(" ", found[0])


def _without_data(found: re.Match[str]) -> str:
    return found[1] + "\n" * found[2].count("\n")
