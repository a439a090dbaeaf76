"""Responsible for how the answer of ``migrator upgrade`` and ``downgrade`` looks; not for running revisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from migrator.view.ink import Ink


@dataclass(frozen=True, slots=True)
class Moved:
    """The revisions that a command applied or undid, in that order."""

    direction: str
    revisions: tuple[str, ...]


def document(moved: Moved) -> dict[str, Any]:
    """Return the answer as a JSON-able mapping."""
    return {"version": 1, "direction": moved.direction, "revisions": list(moved.revisions)}


def text(moved: Moved, ink: Ink) -> str:
    """Return how many revisions were run, and where they led."""
    del ink
    word = "applied" if moved.direction == "upgrade" else "undone"
    if not moved.revisions:
        return "nothing to do: the database is there already"
    count = len(moved.revisions)
    return f"{count} revision{'s' if count > 1 else ''} {word}; the last was {moved.revisions[-1]}"
