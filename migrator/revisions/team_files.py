"""Finds the line of a team's own file that an error comes from; what to make of the error is decided elsewhere."""

from __future__ import annotations

import linecache
import traceback
from collections.abc import Iterable
from pathlib import Path

from migrator.errors import Location


def place_of(error: BaseException, folders: Iterable[Path]) -> Location | None:
    """Return the last line below `folders` that `error` went through, or None where it went through none."""
    roots = [folder.resolve() for folder in folders]
    if isinstance(error, SyntaxError) and error.filename:
        return _location(error.filename, error.lineno or 0, error.offset or 0)
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        path = Path(frame.f_code.co_filename).resolve()
        if any(path.is_relative_to(root) for root in roots):
            return _location(frame.f_code.co_filename, line)
    return None


def revision_line(error: BaseException) -> Location | None:
    """Return the line of an Alembic revision that `error` went through; revisions are known by their variables."""
    for frame, line in traceback.walk_tb(error.__traceback__):
        if {"revision", "down_revision"} <= frame.f_globals.keys():
            return _location(frame.f_code.co_filename, line)
    return None


def _location(name: str, line: int, column: int = 0) -> Location:
    text = linecache.getline(name, line).rstrip()
    return Location(Path(name).resolve(), line, column or len(text) - len(text.lstrip()) + 1, text)


def brief(error: BaseException) -> str:
    """Return the kind of an error and the first line of what it says."""
    said = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {said}".splitlines()[0].removesuffix(": ")
