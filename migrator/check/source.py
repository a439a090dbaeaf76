"""A script as the walker takes it: statements with their places, whatever they were read or recorded from."""

from __future__ import annotations

from dataclasses import dataclass

from migrator.check.finding import Place
from migrator.sql.context import Column
from migrator.sql.names import Name
from migrator.sql.statement import Statement


@dataclass(frozen=True, slots=True)
class Piece:
    """One statement of a script. `autocommit` says that the runner sends it outside its transaction."""

    statement: Statement
    place: Place
    autocommit: bool = True
    told: tuple[Name, Column] | None = None
    """A column as the revision says that it is before the statement, with its table."""


@dataclass(frozen=True, slots=True)
class Script:
    """Statements that one session sends, in order."""

    pieces: tuple[Piece, ...]
    downgrade: bool = False
