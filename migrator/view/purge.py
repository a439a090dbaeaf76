"""Responsible for how the answer of ``migrator purge`` looks; not for deleting anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from migrator.engine.reports import Archive
from migrator.postgres.blockers import duration
from migrator.view.ink import Ink
from migrator.view.printable import printable


@dataclass(frozen=True, slots=True)
class Purged:
    """The archives that were deleted, or would be."""

    archives: Sequence[Archive]
    done: bool


def document(purged: Purged) -> dict[str, Any]:
    """Return the answer as a JSON-able mapping."""
    archives = [{**asdict(one), "created_at": one.created_at.isoformat()} for one in purged.archives]
    return {"version": 1, "purged": purged.done, "archives": archives}


def text(purged: Purged, ink: Ink) -> str:
    """Return one line per archive, and what became of them."""
    del ink
    if not purged.archives:
        return "no archive is that old"
    lines = kept(purged.archives)
    count = len(lines)
    end = f"{count} archive{'s' if count > 1 else ''} deleted" if purged.done else "nothing was deleted"
    return "\n".join([*lines, end])


def kept(archives: Sequence[Archive]) -> list[str]:
    """Return one line per archive: what it keeps, how much, and since when."""
    return [
        printable(
            f"{one.what}, removed by {one.plan} on {one.created_at:%Y-%m-%d %H:%M}: {_size(one.size)}, "
            f"{duration(one.age)} old"
        )
        for one in archives
    ]


def _size(size: int) -> str:
    return f"{size / 1024**2:,.1f} MB"
