"""Decides how many rows the next chunk takes, so that a chunk lasts as long as it should. Pure."""

from __future__ import annotations

from dataclasses import dataclass

SMALLEST = 100
LARGEST = 200_000
WEIGHT = 0.75  # of the newest rate in the decaying average, as pt-online-schema-change weighs it
GROWTH = 1.5  # at most, per chunk, as spirit limits it: one fast chunk is no promise


@dataclass(slots=True)
class ChunkSize:
    """Holds the duration of a chunk near `target` seconds by choosing its rows; `fixed` keeps `rows`."""

    rows: int
    target: float
    fixed: bool = False
    _rate: float | None = None

    def observe(self, rows: int, seconds: float) -> None:
        """Take in that a full chunk of `rows` took `seconds` of statement time."""
        if self.fixed or rows <= 0:
            return
        rate = rows / max(seconds, 1e-4)
        self._rate = rate if self._rate is None else WEIGHT * rate + (1 - WEIGHT) * self._rate
        wanted = min(self._rate * self.target, self.rows * GROWTH)
        self.rows = round(min(max(wanted, SMALLEST), LARGEST))

    def shrink(self) -> None:
        """Halve after a failure that a smaller chunk may not meet."""
        self.rows = max(self.rows // 2, 1)
        self._rate = None
