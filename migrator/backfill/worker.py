"""One worker: takes slice after slice and commits chunk after chunk, over a connection of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import psycopg
import tenacity

from migrator.backfill.chunk import ChunkResult, ChunkStatement
from migrator.backfill.leases import Leases
from migrator.backfill.size import ChunkSize
from migrator.backfill.slices import LEASE, Slice
from migrator.errors import UnavailableError
from migrator.postgres.blockers import Blocker

# Another session held a row, or the chunk met one that held ours: a smaller chunk later will pass.
RETRIED = (
    psycopg.errors.QueryCanceled,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)
THROTTLE_PAUSE = 0.5  # seconds between two looks at what the worker waits for
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # seconds, of the full-jitter backoff
LOOK_INTERVAL = 0.05  # seconds between two looks at whether the walk ends, while waiting
LEAST_CUT = 0.5  # of a chunk: a slice with less than twice that left is not worth another worker


class RowsLockedError(UnavailableError):
    """Rows of a chunk stayed locked by other sessions for longer than the run may wait.

    Everything before them is committed and the cursor stands right before them. End the session that holds them, or
    wait longer with `--lock-wait`, and run the same command again.
    """

    code = "MG203"


class Halted(Exception):  # noqa: N818 - not an error: the walk ends, and who ends it says why
    """The worker came to rest between two chunks because the walk ends."""


class LeaseLost(Exception):  # noqa: N818 - not an error: another worker goes on with the slice
    """The slice is another worker's by now; nothing of the chunk was written."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What one chunk did, or why the worker waits."""

    worker: int
    chunk: ChunkResult | None = None
    seconds: float = 0.0
    rows: int = 0
    waiting: str = ""


@dataclass(frozen=True, slots=True)
class Means:
    """What a worker asks and tells while it goes on; all of it may be called from any thread.

    Attributes:
        tell: takes what happened, chunk by chunk.
        halted: whether the worker is to come to rest at the next checkpoint.
        throttle: returns why the next chunk has to wait, or an empty text.
        blockers: returns who holds locks on the table, for the report.
        deadline: seconds that one chunk may be retried.
    """

    tell: Callable[[Progress], None]
    halted: Callable[[], bool]
    throttle: Callable[[], str]
    blockers: Callable[[], tuple[Blocker, ...]]
    deadline: float


class Worker:
    """Works until no slice is left for it. All that it did before an error is committed."""

    def __init__(self, number: int, leases: Leases, statement: ChunkStatement, size: ChunkSize, means: Means) -> None:
        self.number = number
        self._leases = leases
        self._statement = statement
        self._size = size
        self._means = means
        self._renewed = 0.0

    def run(self) -> None:
        """Work to the end.

        Raises:
            RowsLockedError: a chunk could not get its rows within the deadline.
            psycopg.Error: the database refused what a chunk writes, or the connection is lost.
        """
        try:
            while one := self._next():
                self._walk(one)
        except Halted:
            return

    def _next(self) -> Slice | None:
        while True:
            self._checkpoint()
            if taken := self._leases.take():
                return taken
            try:
                return self._leases.cut(max(round(self._size.rows * LEAST_CUT), 1))
            except RETRIED:  # who works on the slice has not committed in time
                self._pause(FIRST_PAUSE)

    def _walk(self, held: Slice) -> None:
        self._renewed = time.monotonic()
        first, done = held.cursor is None and held.lower_key is None, False
        try:
            while not done:
                self._checkpoint()
                self._hold_back(held)
                done = self._chunk(held, first=first).done
                first = False
        except LeaseLost:
            return
        finally:
            if not done and not self._leases.connection.closed:
                with suppress(psycopg.Error):  # then the lease runs out
                    self._leases.give_back(held)

    def _hold_back(self, held: Slice) -> None:
        while reason := self._means.throttle():
            self._tell(Progress(self.number, rows=self._size.rows, waiting=reason))
            self._pause(THROTTLE_PAUSE)
            self._renew(held)

    def _chunk(self, held: Slice, *, first: bool) -> ChunkResult:
        def wait(state: tenacity.RetryCallState) -> None:
            self._checkpoint()
            self._renew(held)
            self._size.shrink()
            holders = self._means.blockers()
            reason = str(holders[0]) if holders else "deadlock or timeout"
            waiting = f"rows locked: {reason}; try {state.attempt_number + 1}"
            self._tell(Progress(self.number, rows=self._size.rows, waiting=waiting))

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(RETRIED),
            wait=tenacity.wait_random_exponential(multiplier=FIRST_PAUSE, max=LONGEST_PAUSE),
            stop=tenacity.stop_after_delay(self._means.deadline),
            before_sleep=wait,
            sleep=self._pause,
            reraise=True,
        )
        try:
            return retrying(self._commit, held, first=first)
        except RETRIED as error:
            raise self._locked() from error

    def _commit(self, held: Slice, *, first: bool) -> ChunkResult:
        rows, started = self._size.rows, time.monotonic()
        chunk = self._statement.run(self._leases.connection, held, rows, first=first)
        if chunk is None:
            raise LeaseLost
        self._renewed = time.monotonic()
        seconds = self._renewed - started
        if not chunk.done:
            self._size.observe(chunk.rows, seconds)
        self._tell(Progress(self.number, chunk, seconds, self._size.rows))
        return chunk

    def _renew(self, held: Slice) -> None:
        if time.monotonic() - self._renewed > LEASE.total_seconds() / 3:
            if not self._leases.renew(held):
                raise LeaseLost
            self._renewed = time.monotonic()

    def _checkpoint(self) -> None:
        if self._means.halted():
            raise Halted

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._checkpoint()
            time.sleep(min(left, LOOK_INTERVAL))
        self._checkpoint()

    def _tell(self, progress: Progress) -> None:
        self._means.tell(progress)

    def _locked(self) -> RowsLockedError:
        holders = self._means.blockers()
        return RowsLockedError(
            f"rows stayed locked for more than {self._means.deadline:.0f} s",
            notes=[
                *(f"holds locks on the table: {holder}" for holder in holders),
                "the rows before them are committed; the cursor stands right behind them",
            ],
            help="end that session, or wait longer with --lock-wait 10m, and run the same command again",
        )
