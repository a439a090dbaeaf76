"""What a script takes away that nothing brings back, and what the archive of a plan's step keeps of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from migrator.sql.effects import Effect
from migrator.sql.names import Name, quote, split_parts

ACCEPTED_BY_A_PLAN = frozenset({
    "drop-column", "drop-table", "truncate", "delete-whole-table", "missing-downgrade", "incomplete-downgrade",
    "drop-object", "narrow-column-type", "rename-table", "rename-column",
})  # fmt: skip
"""What the reason of a plan's step accepts: the loss, and that running code has stopped using it by the gate."""
ALL_ROWS = "all rows of"
_LOSES = {
    "table": "table",
    "column": "column",
    "schema": "schema",
    "type": "type",
    "domain": "domain",
    "materialized view": "view",
}
_RULES = {"table": "drop-table", "column": "drop-column"} | dict.fromkeys(
    ("schema", "type", "domain", "materialized view"), "drop-object"
)
"""The rules of `check` about the same."""
KEPT = frozenset({"table", "column", "type", "domain"})
"""What an archive can keep."""


@dataclass(frozen=True, slots=True)
class Loss:
    """A thing that is lost: its `kind` in words, its name and, of a table, the member that goes."""

    kind: str
    name: Name
    member: str | None = None

    @property
    def entry(self) -> str:
        """The thing as `archive` names it."""
        return f"{self.name.quoted()}.{quote(self.member)}" if self.member else self.name.quoted()

    def __str__(self) -> str:
        return f"{self.kind} {self.entry}"

    def kept_by(self, archive: Sequence[str]) -> bool:
        """Tell whether a step with this `archive` keeps it."""
        parts = split_parts(self.entry)
        for entry in map(split_parts, archive):
            if entry == parts or (
                self.kind in KEPT and parts[-len(entry) :] == entry and len(entry) > bool(self.member)
            ):
                return self.kind in KEPT
            if self.kind == "column" and entry[-len(parts) :] == parts:
                return True
        return False


class LossWatch:
    """Sees the statements of one revision go by and says what they take away that nothing brings back."""

    def __init__(self) -> None:
        self._made: set[tuple[Name, str | None]] = set()

    def see(self, effect: Effect, accepted: frozenset[str] = frozenset()) -> list[Loss]:
        """Return what a statement loses: not what the revision has made itself.

        Args:
            accepted: rules of `check` that the statement may break, as somebody has written beside it.
        """
        lost = [
            Loss(_LOSES[one.kind], one.name, one.member)
            for one in effect.drops
            if one.kind in _LOSES and _RULES[one.kind] not in accepted and not self._is_own(one.name, one.member)
        ]
        lost += [
            Loss(ALL_ROWS, change.table)
            for change in effect.data_changes
            if change.verb == "TRUNCATE" and "truncate" not in accepted and not self._is_own(change.table)
        ]
        self._made |= {
            (made.name, made.member) for made in effect.creates if made.member is None or made.kind == "column"
        }
        return lost

    def _is_own(self, name: Name, member: str | None = None) -> bool:
        return any(made.same(name) and part in (None, member) for made, part in self._made)
