"""Responsible for making text from files and servers harmless and measurable on a terminal; not for laying it out."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

# C0 and C1 controls would move the cursor or recolour the terminal; bidirectional overrides show another text than the
# one that is executed. An application name or a comment in a revision can hold either.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """Return `text` with what would steer the terminal written as an escape; line ends and tabs stay."""
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """Return `text` as one printable line, with every run of white space made one space."""
    return " ".join(printable(text).split())


def cleaned(value: T) -> T:
    """Return a copy of a report or an event in which every text, at any depth, is printable."""
    return _cleaned(value)  # type: ignore[no-any-return]  # the copy has the type of the original, level by level


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, (tuple, list)):
        return type(value)(_cleaned(item) for item in value)
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: _cleaned(getattr(value, field.name)) for field in fields(value)})
    return value


def width(text: str) -> int:
    """Return how many cells of a terminal one line of printable `text` takes."""
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def padded(text: str, cells: int) -> str:
    """Return `text` followed by the spaces that make it `cells` wide."""
    return text + " " * (cells - width(text))


def shown(path: Path | str) -> str:
    """Return `path` as a person in the current folder would type it."""
    try:
        return printable(str(Path(path).relative_to(Path.cwd())))
    except ValueError:
        return printable(str(path))
