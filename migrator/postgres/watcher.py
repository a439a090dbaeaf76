"""A second pair of eyes while a statement waits: who blocks it, and how many it holds up by waiting.

A waiting ACCESS EXCLUSIVE request is itself a wall: everybody who comes later queues behind it. So where it holds up
too many sessions it is cancelled before its own timeout, and tried again later.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Self

import psycopg

from migrator.postgres.activity import blockers_of
from migrator.postgres.blockers import Blocker
from migrator.postgres.queries import query

INTERVAL = 0.1  # seconds between two looks; a statement that is done sooner is never looked at

Tick = Callable[[psycopg.Connection, "Sighting"], None]


@dataclass(slots=True, eq=False)
class Sighting:
    """What was seen while one statement ran. `held_up` is the most sessions that waited for it at once."""

    pid: int
    patient: bool
    tick: Tick | None
    next_look: float
    blockers: tuple[Blocker, ...] = ()
    held_up: int = 0
    cancelled: bool = False


class Watcher:
    """Watches statements of other connections over one of its own, which it opens when first needed.

    One thread looks after all of them: to start one for each statement takes longer than most statements do.
    """

    def __init__(self, connect: Callable[[], psycopg.Connection], hold_up: int) -> None:
        self._connect = connect
        self._hold_up = hold_up
        self._connection: psycopg.Connection | None = None
        self._watched: list[Sighting] = []
        self._busy = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def watch(self, pid: int, tick: Tick | None = None, *, patient: bool = False) -> Iterator[Sighting]:
        """Watch the backend `pid` while the block runs.

        Args:
            pid: the server process.
            tick: is called after each look, on the watching thread.
            patient: let it wait however many it holds up: a concurrent build's locks stop no traffic.
        """
        sighting = Sighting(pid, patient, tick, time.monotonic() + INTERVAL)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="migrator-watcher", daemon=True)
            self._thread.start()
        self._watched.append(sighting)
        try:
            yield sighting
        finally:
            with self._busy:  # so that no cancellation is on its way to what comes next
                self._watched.remove(sighting)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        if self._connection is not None:
            self._connection.close()

    def _run(self) -> None:
        while not self._ended.wait(INTERVAL / 2):
            for sighting in tuple(self._watched):
                if sighting.next_look <= time.monotonic():
                    self._look(sighting)

    def _look(self, sighting: Sighting) -> None:
        # Watching is a courtesy: where it fails, the statement's own timeout still holds.
        with suppress(psycopg.Error), self._busy:
            if sighting not in self._watched:
                return
            sighting.next_look = time.monotonic() + INTERVAL
            connection = self._open()
            blockers = blockers_of(connection, sighting.pid)
            if blockers:
                sighting.blockers = blockers
                self._relieve(connection, sighting)
            if sighting.tick:
                sighting.tick(connection, sighting)

    def _relieve(self, connection: psycopg.Connection, sighting: Sighting) -> None:
        row = connection.execute(query("held_up_by"), {"pid": sighting.pid}).fetchone()
        sighting.held_up = max(sighting.held_up, row[0] if row else 0)
        if row and row[0] >= self._hold_up and not sighting.patient:
            connection.execute(query("cancel_statement"), {"pid": sighting.pid})
            sighting.cancelled = True

    def _open(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        return self._connection
