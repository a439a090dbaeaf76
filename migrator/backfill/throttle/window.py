"""The times of day at which a backfill may work, by the clock of the run's machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import psycopg

from migrator.backfill.throttle.signal import Observation, Scene, Signal


def _now() -> str:
    return f"{datetime.now().astimezone():%H:%M}"


class Window(Signal):
    """Waits outside all windows; one that ends before it begins goes over midnight."""

    key = "window"
    fresh = True
    limit: tuple[str, ...]

    def __init__(self, limit: tuple[str, ...], scene: Scene, now: Callable[[], str] = _now) -> None:
        super().__init__(limit, scene)
        self._now = now

    def observe(self, connection: psycopg.Connection) -> Sequence[Observation]:
        del connection
        now = self._now()
        windows = " ".join(self.limit)
        outside = not any(_within(now, *window.split("-")) for window in self.limit)
        return [Observation(self.key, outside, 0, lambda number: now if number else windows)]


def _within(now: str, begin: str, end: str) -> bool:
    return begin <= now < end if begin < end else now >= begin or now < end
