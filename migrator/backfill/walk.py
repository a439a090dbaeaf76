"""Walks the slices of a backfill chunk by chunk until they are done, and waits out whoever holds their rows."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg
import tenacity

from migrator.backfill.chunk import ChunkResult, ChunkStatement
from migrator.backfill.size import ChunkSize
from migrator.backfill.slices import Slice
from migrator.errors import UnavailableError
from migrator.postgres.blockers import Blocker

# Another session held a row, or the chunk met one that held ours: a smaller chunk later will pass.
RETRIED = (
    psycopg.errors.QueryCanceled,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)
RATE_WINDOW = 20  # chunks that the shown rate and the estimate of the end are taken from
THROTTLE_PAUSE = 0.5  # seconds between two looks at what the walk waits for
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # seconds, of the full-jitter backoff


class RowsLockedError(UnavailableError):
    """Rows of a chunk stayed locked by other sessions for longer than the run may wait.

    Everything before them is committed and the cursor stands right before them. End the session that holds them, or
    wait longer with `--lock-wait`, and run the same command again.
    """

    code = "MG203"


@dataclass(slots=True)
class Walked:
    """How far a walk has come, after each chunk. `rate` is rows per second over the last chunks."""

    rows_done: int
    rows_changed: int
    rows_total: int
    chunk_rows: int
    chunk_seconds: float = 0.0
    waiting: str = ""
    _recent: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=RATE_WINDOW))

    @property
    def rate(self) -> float:
        if len(self._recent) < 2:
            return 0.0
        (begin, first), (end, last) = self._recent[0], self._recent[-1]
        return (last - first) / (end - begin) if end > begin else 0.0

    @property
    def eta(self) -> float | None:
        return max(self.rows_total - self.rows_done, 0) / self.rate if self.rate else None

    def add(self, chunk: ChunkResult, seconds: float) -> None:
        self.rows_done += chunk.rows
        self.rows_changed += chunk.changed
        self.rows_total = max(self.rows_total, self.rows_done)
        self.chunk_seconds, self.waiting = seconds, ""
        self._recent.append((time.monotonic(), self.rows_done))


@dataclass(frozen=True, slots=True)
class Control:
    """What a walk asks and tells while it goes on.

    Attributes:
        report: takes the state before the first chunk, after each, and while one waits.
        check: raises what stops the walk between two chunks, such as Interrupted or a lost database lock.
        blockers: returns who holds locks on the table, for the report.
        deadline: seconds that one chunk may be retried.
        sleep: waits between two tries; returns early or raises when the run is to stop.
        throttle: returns why the next chunk has to wait, or an empty text.
    """

    report: Callable[[Walked], None]
    check: Callable[[], None]
    blockers: Callable[[], tuple[Blocker, ...]]
    deadline: float
    sleep: Callable[[float], None] = time.sleep
    throttle: Callable[[], str] = lambda: ""


class Walker:
    """Commits chunk after chunk until every slice is done. All that it did before an error is committed."""

    def __init__(
        self,
        connection: psycopg.Connection,
        statement: ChunkStatement,
        slices: list[Slice],
        size: ChunkSize,
        control: Control,
    ) -> None:
        self._connection = connection
        self._statement = statement
        self._slices = slices
        self._size = size
        self._control = control
        self.walked = Walked(
            rows_done=sum(one.rows_done for one in slices),
            rows_changed=sum(one.rows_changed for one in slices),
            rows_total=sum(max(one.rows_total, one.rows_done) for one in slices),
            chunk_rows=size.rows,
        )

    def run(self) -> Walked:
        """Walk to the end.

        Raises:
            RowsLockedError: a chunk could not get its rows within the deadline.
            psycopg.Error: the database refused what the chunk writes.
        """
        self._control.report(self.walked)
        for one in self._slices:
            first, done = one.cursor is None, one.done
            while not done:
                self._control.check()
                self._hold_back()
                chunk = self._chunk(one.id, first=first)
                first, done = False, chunk.done
                self._control.report(self.walked)
        return self.walked

    def _hold_back(self) -> None:
        while reason := self._control.throttle():
            self.walked.waiting = reason
            self._control.report(self.walked)
            self._control.sleep(THROTTLE_PAUSE)
            self._control.check()

    def _chunk(self, slice_id: int, *, first: bool) -> ChunkResult:
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(RETRIED),
            wait=tenacity.wait_random_exponential(multiplier=FIRST_PAUSE, max=LONGEST_PAUSE),
            stop=tenacity.stop_after_delay(self._control.deadline),
            before_sleep=self._wait,
            sleep=self._control.sleep,
            reraise=True,
        )
        try:
            return retrying(self._commit, slice_id, first=first)
        except RETRIED as error:
            raise self._locked() from error

    def _commit(self, slice_id: int, *, first: bool) -> ChunkResult:
        rows, started = self._size.rows, time.monotonic()
        chunk = self._statement.run(self._connection, slice_id, rows, first=first)
        if chunk is None:
            raise AssertionError(f"slice {slice_id} is not where its worker left it")
        seconds = time.monotonic() - started
        if not chunk.done:
            self._size.observe(chunk.rows, seconds)
        self.walked.chunk_rows = self._size.rows
        self.walked.add(chunk, seconds)
        return chunk

    def _wait(self, state: tenacity.RetryCallState) -> None:
        self._control.check()
        self._size.shrink()
        holders = self._control.blockers()
        reason = str(holders[0]) if holders else "deadlock or timeout"
        self.walked.waiting = f"rows locked: {reason}; try {state.attempt_number + 1}"
        self._control.report(self.walked)

    def _locked(self) -> RowsLockedError:
        holders = self._control.blockers()
        return RowsLockedError(
            f"rows stayed locked for more than {self._control.deadline:.0f} s",
            notes=[
                *(f"holds locks on the table: {holder}" for holder in holders),
                f"{self.walked.rows_done:,} rows are committed; the cursor stands right behind them",
            ],
            help="end that session, or wait longer with --lock-wait 10m, and run the same command again",
        )
