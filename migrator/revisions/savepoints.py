"""The savepoints that a revision holds open, kept through the commits that are made between its statements."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from migrator.sql.effects import Effect
from migrator.sql.names import quote


@dataclass(slots=True)
class Savepoints:
    """Names of open savepoints, outermost first, each with how many journal entries were pending when it was set."""

    _open: list[tuple[str, int]] = field(default_factory=list)

    def follow(self, effect: Effect, pending: int) -> int:
        """Follow a statement about savepoints; return how many of the `pending` journal entries still hold."""
        if effect.transaction_control == "SAVEPOINT":
            self._open.append((effect.savepoint, pending))
            return pending
        found = [place for place, (name, _) in enumerate(self._open) if name == effect.savepoint]
        if not found:
            return pending
        back = effect.transaction_control == "ROLLBACK TO"
        kept = min(self._open[found[-1]][1], pending) if back else pending
        del self._open[found[-1] + back :]
        return kept

    def renew(self, cursor: Any) -> None:
        """Set them again in a new transaction: what was done since they were set is committed and stays."""
        for name, _ in self._open:
            cursor.execute(f"SAVEPOINT {quote(name)}")
        self._open = [(name, 0) for name, _ in self._open]

    def forget(self) -> None:
        """The transaction is over, and nobody will come back to them."""
        self._open.clear()
