"""What a script takes away that was there before it; named as the `archive` of a plan names it."""

from __future__ import annotations

from migrator.check.source import Piece
from migrator.sql.classify import classify

ACCEPTED_BY_A_PLAN = frozenset({
    "drop-column", "drop-table", "truncate", "delete-whole-table", "missing-downgrade", "incomplete-downgrade",
    "drop-object", "narrow-column-type", "rename-table", "rename-column",
})  # fmt: skip
"""What the reason of a plan's step accepts: the loss, and that running code has stopped using it by the gate."""
ALL_ROWS = "all rows of"
_LOST = frozenset({"table", "column"})


def losses_of(pieces: tuple[Piece, ...]) -> tuple[str, ...]:
    """Return the tables and columns that are dropped or emptied, without those that the script itself made."""
    made: set[tuple[str, str | None]] = set()
    lost: list[str] = []
    for piece in pieces:
        effect = classify(piece.statement)
        made |= {(one.name.name, one.member) for one in effect.creates if one.kind in _LOST}
        lost += (
            f"{one.name}.{one.member}" if one.member else str(one.name)
            for one in effect.drops
            if one.kind in _LOST and not {(one.name.name, one.member), (one.name.name, None)} & made
        )
        lost += (
            f"{ALL_ROWS} {change.table}"
            for change in effect.data_changes
            if change.verb == "TRUNCATE" and (change.table.name, None) not in made
        )
    return tuple(dict.fromkeys(lost))
