"""One worker: takes slice after slice and commits chunk after chunk, over a connection of its own.

A chunk that meets a lock is tried again, smaller; where it meets it again and again its rows are left for later.
A chunk that holds a row which the database refuses is halved until that row stands alone; the row is then set aside.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg
import tenacity

from migrator.backfill.chunk import ChunkResult, ChunkStatement
from migrator.backfill.chunks import Chunks
from migrator.backfill.failures import FailedRow, SetAside, failed_rows, is_of_a_row, message_of
from migrator.backfill.leases import Leases
from migrator.backfill.passes import Course, Place
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
LOCKED = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
THROTTLE_PAUSE = 0.5  # seconds between two looks at what the worker waits for
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # seconds, of the full-jitter backoff
LOOK_INTERVAL = 0.05  # seconds between two looks at whether the walk ends, while waiting
TRIES_BEFORE_OTHERS = 3  # of a chunk whose rows are locked, before the worker turns to the rows behind it
TRIES_ALONE = 3  # of a single row that runs into the statement timeout, before it counts as refused
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


class Postponed(Exception):  # noqa: N818 - not an error: the rows are taken up again later
    """The rows of a chunk are locked, so the worker goes on with `behind` and comes back later."""

    def __init__(self, behind: Slice) -> None:
        super().__init__()
        self.behind = behind


class RowFailedError(Exception):
    """A row was refused, and there are more such rows by now than a walk goes on with."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What one chunk did, why the worker waits, or which row was set aside. `rows` is the size of the next chunk."""

    worker: int
    chunk: ChunkResult | None = None
    seconds: float = 0.0
    rows: int = 0
    waiting: str = ""
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Means:
    """What a worker asks and tells while it goes on; all of it may be called from any thread.

    Attributes:
        tell: takes what happened, chunk by chunk.
        halted: whether the worker is to come to rest at the next checkpoint.
        hold: returns why the next chunk has to wait, or an empty text.
        blockers: returns who holds locks on the table, for the report.
        deadline: seconds that one chunk may be retried.
        most_refused: how many rows the database may refuse, in all, before the work stops at once.
        wanted: whether the worker of this number is to go on.
        target: returns how many seconds a chunk should take, where that is not what the plan says.
        nice: returns how long to rest after a chunk, as a multiple of the time it took.
        set_up: gives a connection the settings of chunks that should take so many seconds.
    """

    tell: Callable[[Progress], None]
    halted: Callable[[], bool]
    hold: Callable[[], str]
    blockers: Callable[[], tuple[Blocker, ...]]
    deadline: float
    most_refused: int
    wanted: Callable[[int], bool]
    target: Callable[[], float | None]
    nice: Callable[[], float]
    set_up: Callable[[psycopg.Connection, float], None]


class Worker:
    """Works until no slice is left for it. All that it did before an error is committed."""

    def __init__(self, number: int, leases: Leases, chunks: Chunks, size: ChunkSize, means: Means) -> None:
        self.number = number
        self._leases = leases
        self._chunks = chunks
        self._set_aside = ChunkStatement(leases.keyset, SetAside(table=leases.keyset.table, keyset=leases.keyset))
        self._size = size
        self._means = means
        self._renewed = 0.0
        self._tried = 0
        """Rows that the last chunk was to have."""
        self._spent = 0.0
        """Seconds that the last chunk took."""
        self._course = Course(None, [None])
        """Where the passes over the slice stand."""

    def run(self) -> None:
        """Work to the end.

        Raises:
            RowFailedError: the database refused a row, and no more may be left for later.
            RowsLockedError: a chunk could not get its rows within the deadline.
            psycopg.Error: the connection is lost, or the server has trouble of its own.
        """
        with suppress(Halted):
            one = self._next()
            while one:
                one = self._walk(one) or self._next()

    def _next(self) -> Slice | None:
        while True:
            self._checkpoint()
            try:
                if taken := self._leases.take():
                    return taken
                if cut := self._leases.cut(max(round(self._size.rows * LEAST_CUT), 1)):
                    return cut
                if not self._leases.postponed():
                    return None
            except RETRIED:
                pass  # who works on the slice has not committed in time
            self._pause(FIRST_PAUSE)

    def _walk(self, held: Slice) -> Slice | None:
        """Work through `held`; return the slice that is to be next, if that is settled."""
        self._renewed = time.monotonic()
        self._course, done = Course(held.lower_key, held.cursors), False
        try:
            while not done:
                self._checkpoint()
                self._hold_back(held)
                self._retarget()
                done = self._next_rows(held).done
                if not done:
                    self._rest(held)
        except LeaseLost:
            return None
        except Postponed as postponed:
            return postponed.behind
        finally:
            if not done and not self._leases.connection.closed:
                with suppress(psycopg.Error):  # then the lease runs out
                    self._leases.give_back(held)
        return None

    def _hold_back(self, held: Slice) -> None:
        while reason := self._means.hold():
            self._means.tell(Progress(self.number, rows=self._size.rows, waiting=reason))
            self._pause(THROTTLE_PAUSE)
            self._renew(held)
        self._checkpoint()

    def _retarget(self) -> None:
        target = self._means.target()
        if target and target != self._size.target:
            self._means.set_up(self._leases.connection, target)
            self._size.target = target

    def _rest(self, held: Slice) -> None:
        end = time.monotonic() + self._spent * self._means.nice()
        while (left := end - time.monotonic()) > 0:
            self._pause(min(left, THROTTLE_PAUSE))
            self._renew(held)

    def _next_rows(self, held: Slice) -> ChunkResult:
        self._course.go_on()
        try:
            return self._retried(held, lambda: self._commit_stretch(held), shrink=True)
        except psycopg.Error as error:
            if isinstance(error, psycopg.errors.QueryCanceled):
                return self._retried(held, lambda: self._isolate(held))
            if not is_of_a_row(error):
                raise
            return self._bisect(held, self._tried)

    def _bisect(self, held: Slice, window: int) -> ChunkResult:
        """Commit all rows before the one that is refused, of the next `window` rows, and set that row aside."""
        while window > 1:
            half = window // 2
            try:
                chunk = self._retried(held, partial(self._commit, held, half, observe=False))
            except psycopg.Error as error:
                if not is_of_a_row(error):
                    raise
                window = half
            else:
                if chunk.done:
                    return chunk
                window -= half
        return self._retried(held, lambda: self._isolate(held))

    def _isolate(self, held: Slice) -> ChunkResult:
        """Write the next row or, where it is refused, note it as failed and go on behind it, in one transaction."""
        connection = self._leases.connection
        with connection.transaction():
            # In one snapshot, so that the row noted is the row refused, whatever is inserted before it meanwhile.
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            try:
                with connection.transaction():
                    chunk, failed = self._run(held, 1, self._course.place()), list[FailedRow]()
            except psycopg.Error as error:
                self._checkpoint()  # a stop may have cancelled it
                if not is_of_a_row(error) and not isinstance(error, psycopg.errors.QueryCanceled):
                    raise
                chunk, failed = self._note(held, error)
        self._take_in(chunk, failed=str(failed[-1]) if failed else "")
        if len(failed) > self._means.most_refused:
            raise RowFailedError(str(failed[-1]))
        return chunk

    def _note(self, held: Slice, error: psycopg.Error) -> tuple[ChunkResult, list[FailedRow]]:
        """Note the next row as failed and move the cursor behind it; return that, and all rows that are noted."""
        connection, step, purpose = self._leases.connection, self._leases.step, self._leases.purpose
        noted = {"step": step, "purpose": purpose, "sqlstate": error.sqlstate, "error": message_of(error)}
        chunk = self._set_aside.run(connection, held, 1, self._course.place(), **noted)
        if chunk is None:
            raise LeaseLost
        return chunk, failed_rows(connection, step, purpose)

    def _retried(self, held: Slice, work: Callable[[], ChunkResult], *, shrink: bool = False) -> ChunkResult:
        alone = 0

        def again(error: BaseException) -> bool:
            nonlocal alone
            timed_out = isinstance(error, psycopg.errors.QueryCanceled) and self._size.rows == 1
            alone += timed_out and shrink
            return isinstance(error, RETRIED) and alone < TRIES_ALONE

        def wait(state: tenacity.RetryCallState) -> None:
            self._checkpoint()
            self._renew(held)
            self._report_locked(state.attempt_number)
            if not shrink:
                return
            locked = state.outcome and isinstance(state.outcome.exception(), LOCKED)
            if locked and state.attempt_number >= TRIES_BEFORE_OTHERS:
                with suppress(*RETRIED):
                    if behind := self._leases.put_off(held, self._size.rows, self._course.place().at):
                        raise Postponed(behind)
            self._size.shrink()

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(again),
            wait=tenacity.wait_random_exponential(multiplier=FIRST_PAUSE, max=LONGEST_PAUSE),
            stop=tenacity.stop_after_delay(self._means.deadline),
            before_sleep=wait,
            sleep=self._pause,
            reraise=True,
        )
        try:
            return retrying(work)
        except RETRIED as error:
            if alone >= TRIES_ALONE:
                raise
            raise self._locked() from error

    def _report_locked(self, attempt: int) -> None:
        holders = self._means.blockers()
        reason = str(holders[0]) if holders else "deadlock or timeout"
        waiting = f"rows locked: {reason}; try {attempt + 1}"
        self._means.tell(Progress(self.number, rows=self._size.rows, waiting=waiting))

    def _commit_stretch(self, held: Slice) -> ChunkResult:
        """Commit what the pass has in a chunk of the first, or as many rows as a chunk should have."""
        known = self._course.take_stretch(self._size.rows)
        if known is None:
            return self._commit(held, self._size.rows)
        return self._commit(held, known.rows, upto=known.upto, observe=False)

    def _commit(self, held: Slice, rows: int, *, upto: Any = None, observe: bool = True) -> ChunkResult:
        started, self._tried = time.monotonic(), rows
        chunk = self._run(held, rows, self._course.place(upto))
        self._spent = time.monotonic() - started
        if observe and not chunk.done:
            self._size.observe(chunk.rows, self._spent)
        self._take_in(chunk, seconds=self._spent)
        return chunk

    def _run(self, held: Slice, rows: int, place: Place) -> ChunkResult:
        chunk = self._chunks.run(self._leases.connection, held, rows, place)
        if chunk is None:
            raise LeaseLost
        return chunk

    def _take_in(self, chunk: ChunkResult, *, seconds: float = 0.0, failed: str = "") -> None:
        """Go on behind a chunk that is committed, and tell of it."""
        self._course.moved(chunk.cursor, chunk.shares, ended=chunk.ended)
        self._renewed = time.monotonic()
        self._means.tell(Progress(self.number, chunk, seconds, self._size.rows, failed=failed))

    def _renew(self, held: Slice) -> None:
        if time.monotonic() - self._renewed > LEASE.total_seconds() / 3:
            if not self._leases.renew(held):
                raise LeaseLost
            self._renewed = time.monotonic()

    def _checkpoint(self) -> None:
        if self._means.halted() or not self._means.wanted(self.number):
            raise Halted

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._checkpoint()
            time.sleep(min(left, LOOK_INTERVAL))
        self._checkpoint()

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
