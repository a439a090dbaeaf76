"""Decides how many rows the next chunk takes, so that a chunk lasts as long as it should. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

SMALLEST = 100
LARGEST = 200_000
WEIGHT = 0.75  # of the newest rate in the decaying average, as pt-online-schema-change weighs it
GROWTH = 1.5  # at most, per chunk, as spirit limits it: one fast chunk is no promise


@dataclass(slots=True)
class ChunkSize:
    """Holds the duration of a chunk near `target` seconds by choosing its rows; `fixed` comes back to the first."""

    rows: int
    target: float
    fixed: bool = False
    _first: int = field(init=False)
    _rate: float | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._first = self.rows

    def observe(self, rows: int, seconds: float) -> None:
        """Take in that a full chunk of `rows` took `seconds` of statement time."""
        if rows <= 0:
            return
        rate = rows / max(seconds, 1e-4)
        self._rate = rate if self._rate is None else WEIGHT * rate + (1 - WEIGHT) * self._rate
        wanted = self._first if self.fixed else min(max(round(self._rate * self.target), SMALLEST), LARGEST)
        self.rows = min(wanted, math.ceil(self.rows * GROWTH))

    def shrink(self) -> None:
        """Halve after a failure that a smaller chunk may not meet: below the smallest, down to one row."""
        self.rows = max(self.rows // 2, 1)
        self._rate = None
