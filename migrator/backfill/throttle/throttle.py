"""Asks all signals of a backfill: in the background, and before a chunk those that one chunk may drive too far."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Self

import psycopg

from migrator.backfill.throttle.signal import Signal, UnreadableSignal
from migrator.errors import MigratorError, UsageError

BLIND = 10.0  # seconds without a look at a signal after which nobody knows what it says
LOOK_LIMIT = "2s"  # that one look at the server may take
PAUSE = 0.1  # seconds between two rounds of looks


class SignalError(UsageError):
    """A signal of the throttle cannot be read at all: it lacks rights, or its query is wrong.

    A backfill that cannot see whether it does harm does not begin. Correct the plan or the settings, or give the login
    the role `pg_monitor`, which may read all statistics of the server.
    """

    code = "MG166"


class _Watched:
    """A signal with what it last said."""

    def __init__(self, signal: Signal, clock: Callable[[], float]) -> None:
        self.signal = signal
        self._clock = clock
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._reason = ""

    def look(self, connect: Callable[[], psycopg.Connection], least_age: float = 0.0) -> None:
        """Look, unless that was done less than `least_age` seconds ago."""
        with self._lock:
            if self._clock() - self._looked < least_age:
                return
            try:
                self._observe(connect())
            except (psycopg.Error, UnreadableSignal, MigratorError, OSError) as error:
                self._reason = f"{self.signal.key} unreadable ({str(error).splitlines()[0]}) > readable"
            self._looked = self._clock()

    def first_look(self, connection: psycopg.Connection) -> None:
        """Look for the first time.

        Raises:
            UnreadableSignal, psycopg.Error
        """
        with self._lock:
            self._observe(connection)
            self._looked = self._clock()

    def reason(self) -> str:
        blind = self._clock() - self._looked
        return f"{self.signal.key} unread for {blind:.0f} s > {BLIND:.0f} s" if blind > BLIND else self._reason

    def _observe(self, connection: psycopg.Connection) -> None:
        found = self.signal.observe(connection)
        reasons = (one.reason(waiting=bool(self._reason)) for one in found)
        self._reason = next(filter(None, reasons), "")


class Throttle:
    """Says why a backfill has to wait. A context manager: the looks in the background end with it."""

    def __init__(
        self,
        signals: Sequence[Signal],
        connect: Callable[[], psycopg.Connection],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._watched = [_Watched(signal, clock) for signal in signals]
        self._connect = connect
        self._connection: psycopg.Connection | None = None
        self._connecting = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="throttle", daemon=True)

    def __enter__(self) -> Self:
        """Look at every signal once.

        Raises:
            SignalError: one cannot be read for a reason that will not pass.
        """
        for one in self._watched:
            try:
                one.first_look(self._connected())
            except (psycopg.ProgrammingError, psycopg.DataError, psycopg.NotSupportedError) as error:
                raise SignalError(
                    f"the throttle cannot read {one.signal.key}: {error.diag.message_primary or error}",
                    notes=["nothing was written"],
                    help="correct the plan or the settings, or: GRANT pg_monitor TO the login",
                ) from error
            except (UnreadableSignal, OSError):
                one.look(self._connected)
        if self._watched:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        for one in self._watched:
            one.signal.close()
        if self._connection:
            self._connection.close()

    def reason(self) -> str:
        """Return why the next chunk has to wait, as ``signal observed > limit``, or an empty text."""
        for one in self._watched:
            if one.signal.fresh:
                one.look(self._connected)
            if reason := one.reason():
                return reason
        return ""

    def _watch(self) -> None:
        while not self._ended.wait(PAUSE):
            for one in self._watched:
                one.look(self._connected, one.signal.every)

    def _connected(self) -> psycopg.Connection:
        with self._connecting:
            if self._connection is None or self._connection.closed:
                self._connection = self._connect()
                self._connection.execute(f"SET statement_timeout = '{LOOK_LIMIT}'")
            return self._connection
