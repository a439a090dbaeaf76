"""Decides how many workers a backfill has, between a minimum and a maximum. Pure.

One more comes while that makes the whole faster, by so much that it is no chance; one goes when it did not, and for as
long as the throttle holds the work half of them go at a time: the system has less room than they take.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

PERIOD = 5.0
"""Seconds that a number of workers is watched for before another is tried."""
GAIN = 1.05
"""Times the rate with one worker less, that one more has to bring."""
REST = 60.0
"""Seconds until more is tried again after it did not help."""


@dataclass(slots=True)
class Crew:
    """How many workers there should be, from `least` to `most`."""

    least: int
    most: int
    clock: Callable[[], float] = time.monotonic
    count: int = field(init=False)
    _began: float = field(init=False)
    _rows: int | None = field(init=False, default=None)
    _held: bool = field(init=False, default=False)
    _rate_before: float | None = field(init=False, default=None)
    """The rate with one worker less, while it is not known whether the last one helps."""
    _rest_until: float = field(init=False, default=float("-inf"))

    def __post_init__(self) -> None:
        self.count, self._began = self.least, self.clock()

    def look(self, rows_done: int, *, held: bool) -> int:
        """Take in how many rows are done, and whether the throttle holds the work; return how many workers to have."""
        if self.least == self.most:
            return self.count
        now = self.clock()
        if self._rows is None:
            self._rows, self._began = rows_done, now
        self._held = self._held or held
        if now - self._began < PERIOD:
            return self.count
        rate = (rows_done - self._rows) / (now - self._began)
        self._decide(rate, now)
        self._rows, self._began, self._held = rows_done, now, False
        return self.count

    def _decide(self, rate: float, now: float) -> None:
        before, self._rate_before = self._rate_before, None
        if self._held:
            self.count = max(self.count // 2, self.least)
            self._rest_until = now + REST
        elif before is not None and rate < before * GAIN:
            self.count -= 1
            self._rest_until = now + REST
        elif self.count < self.most and now >= self._rest_until:
            self._rate_before = rate
            self.count += 1
