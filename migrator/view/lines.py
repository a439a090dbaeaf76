"""Responsible for showing events where lines cannot be redrawn, such as the log of a pipeline; not for their words."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TextIO

from migrator.engine.events import (
    BuildProgress,
    Emit,
    Event,
    RowProgress,
    RunFinished,
    StepFinished,
    StepRef,
    StepStarted,
)
from migrator.postgres.blockers import duration
from migrator.view.printable import one_line
from migrator.view.sentences import sentence
from migrator.view.streams import Streams

HEARTBEAT = 30.0
"""Seconds of silence after which a line says that the step still runs."""

SAMPLE = 5.0
"""Seconds between two lines about the same progress: a chunk ends twice a second, and a log is read by people."""


def _local_now() -> datetime:
    return datetime.now().astimezone()


class Lines:
    """Writes one line per event, and one when nothing has been heard of a running step for too long.

    Args:
        clock: seconds that never go back; measures silence.
        now: the time of day; begins each line.
    """

    def __init__(
        self,
        out: TextIO,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = _local_now,
    ) -> None:
        self._out = out
        self._clock = clock
        self._now = now
        self._lock = threading.Lock()
        self._spoke_at = clock()
        self._sampled_at: float | None = None
        self._waiting = False
        self._running: StepRef | None = None
        self._since = 0.0

    def emit(self, event: Event) -> None:
        """Write the line of `event`, unless it is progress that was shown a moment ago."""
        with self._lock:
            self._follow(event)
            if self._worth_a_line(event):
                self._write(sentence(event))

    def beat(self) -> None:
        """Write a line if a step runs and nothing was written for `HEARTBEAT` seconds."""
        with self._lock:
            if self._running and self._clock() - self._spoke_at >= HEARTBEAT:
                self._write(one_line(f"{self._running}: still running after {duration(self._clock() - self._since)}"))

    def _follow(self, event: Event) -> None:
        if isinstance(event, StepStarted):
            self._running, self._since, self._sampled_at, self._waiting = event.step, self._clock(), None, False
        elif isinstance(event, (StepFinished, RunFinished)):
            self._running = None

    def _worth_a_line(self, event: Event) -> bool:
        if not isinstance(event, (RowProgress, BuildProgress)):
            return True
        waiting = bool(event.waiting if isinstance(event, RowProgress) else event.blockers)
        recent = self._sampled_at is not None and self._clock() - self._sampled_at < SAMPLE
        if recent and waiting == self._waiting:
            return False
        self._sampled_at, self._waiting = self._clock(), waiting
        return True

    def _write(self, line: str) -> None:
        self._spoke_at = self._clock()
        self._out.write(f"{self._now():%H:%M:%S} {line}\n")
        self._out.flush()


@contextmanager
def progress(streams: Streams, *, interval: float = 1.0) -> Iterator[Emit]:
    """Write events as lines to standard error, and look every `interval` seconds whether a heartbeat is due."""
    lines = Lines(streams.err)
    finished = threading.Event()

    def beat() -> None:
        while not finished.wait(interval):
            lines.beat()

    heart = threading.Thread(target=beat, name="migrator-heartbeat", daemon=True)
    heart.start()
    try:
        yield lines.emit
    finally:
        finished.set()
        heart.join()
