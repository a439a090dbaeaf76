"""Turns what a recording connection noted into statements with their places in the revision's file."""

from __future__ import annotations

import linecache
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from migrator.check.finding import Place
from migrator.check.source import Piece
from migrator.sql.context import Column
from migrator.sql.errors import SqlError
from migrator.sql.names import Name, split_name
from migrator.sql.statement import Statement, parse

if TYPE_CHECKING:
    from migrator.revisions.recording_dialect import Noted


def shown(path: Path) -> str:
    """Return the path as seen from the current folder, if it is below it."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


class Source:
    """The file of a revision, for one of its functions."""

    def __init__(self, path: Path, revision: str, direction: str) -> None:
        self._path = path
        self._revision = revision
        self._direction = direction

    def at(self, line: int) -> Place:
        """Return a place in the file."""
        excerpt = linecache.getline(str(self._path), line).rstrip("\n") if line else ""
        column = len(excerpt) - len(excerpt.lstrip()) + 1 if line else 0
        return Place(shown(self._path), line, column, excerpt, self._revision, self._direction)

    def pieces(self, noted: list[Noted]) -> tuple[tuple[Piece, ...], tuple[tuple[Place, str], ...]]:
        """Return the statements that were sent, and what was sent that is not SQL."""
        pieces: list[Piece] = []
        unreadable: list[tuple[Place, str]] = []
        for note in noted:
            place = self.at(note.line)
            try:
                pieces += [Piece(one, place, note.autocommit, _told(note)) for one in _statements(note)]
            except SqlError as error:
                unreadable.append((place, error.message))
        return tuple(pieces), tuple(unreadable)


def _statements(note: Noted) -> tuple[Statement, ...]:
    """Return what was sent, with its values in the tree and without them in the text."""
    sent = parse(note.sql, pyformat=note.pyformat)
    try:
        written = parse(note.written) if note.written else ()
    except SqlError:
        return sent
    return tuple(map(_shown_as, written, sent)) if len(written) == len(sent) else sent


def _shown_as(statement: Statement, other: Statement) -> Statement:
    return replace(statement, text=other.text)


def _told(note: Noted) -> tuple[Name, Column] | None:
    if note.told is None:
        return None
    table, column, type_sql = note.told
    try:
        return split_name(table), Column(column, type_sql)
    except SqlError:
        return None
