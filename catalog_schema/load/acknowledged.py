"""What the server has acknowledged to the application, to be compared with what it holds in the end.

Responsible for remembering and comparing; reading the database is the caller's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Lost:
    """A value that was acknowledged and is not there."""

    table: str
    id: int
    field: str
    expected: str
    found: str


@dataclass(slots=True)
class Acknowledged:
    """The values that each written row of one table must hold, and the rows that must be gone."""

    table: str
    writes: int = 0
    _values: dict[int, dict[str, Any]] = field(default_factory=dict)
    _deleted: set[int] = field(default_factory=set)

    def wrote(self, row: int, values: Mapping[str, Any]) -> None:
        """Remember an acknowledged write."""
        self.writes += 1
        self._values.setdefault(row, {}).update(values)

    def deleted(self, row: int) -> None:
        """Remember an acknowledged deletion."""
        self.writes += 1
        self._values.pop(row, None)
        self._deleted.add(row)

    def forget(self, row: int) -> None:
        """Expect nothing of this row any more: not even whether it is there."""
        self._values.pop(row, None)
        self._deleted.discard(row)

    def ids(self) -> list[int]:
        """Return the ids of all rows that were written or deleted."""
        return sorted(self._values.keys() | self._deleted)

    def compare(self, rows: Iterable[Mapping[str, Any]]) -> list[Lost]:
        """Return what is not as acknowledged, given what the database holds for `ids()`."""
        found = {row["id"]: row for row in rows}
        lost = [Lost(self.table, row, "id", "deleted", "a row") for row in sorted(self._deleted) if row in found]
        for row, fields in self._values.items():
            for name, expected in fields.items():
                value = found[row][name] if row in found else "no row"
                if row not in found or value != expected:
                    lost.append(Lost(self.table, row, name, repr(expected), repr(value)))
        return lost
