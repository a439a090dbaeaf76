"""Walks a backfill to its end with a number of workers in this process, and adds up how far they have come."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from migrator.backfill.worker import Progress, Worker

RATE_WINDOW = 20  # chunks of each worker that the shown rate and the estimate of the end are taken from
LOOK_INTERVAL = 0.2  # seconds without news after which the walk looks whether it may go on


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Rows of the same step that are not of this walk: those that are done, and about how many are left."""

    done: int = 0
    left: int = 0


NOWHERE = Elsewhere()


@dataclass(slots=True)
class Walked:
    """How far a walk has come, after each chunk. `rate` is rows per second over the last chunks."""

    rows_done: int
    rows_changed: int
    rows_total: int
    chunk_rows: int
    workers: int = 1
    chunk_seconds: float = 0.0
    elsewhere: Elsewhere = NOWHERE
    _waiting: dict[int, str] = field(default_factory=dict)
    _recent: deque[tuple[float, int]] = field(default_factory=deque)

    @property
    def waiting(self) -> str:
        """Why workers wait, and how many of them where not all do; empty when none does."""
        if not self._waiting:
            return ""
        reason = next(iter(self._waiting.values()))
        return reason if len(self._waiting) >= self.workers else f"{len(self._waiting)} of {self.workers}: {reason}"

    @property
    def rate(self) -> float:
        if len(self._recent) < 2:
            return 0.0
        (begin, first), (end, last) = self._recent[0], self._recent[-1]
        return (last - first) / (end - begin) if end > begin else 0.0

    @property
    def eta(self) -> float | None:
        left = max(self.rows_total - self.rows_done, 0) + self.elsewhere.left
        return left / self.rate if self.rate else None

    def take_in(self, news: Progress) -> None:
        self.chunk_rows = news.rows
        if news.waiting:
            self._waiting[news.worker] = news.waiting
            return
        self._waiting.pop(news.worker, None)
        if news.chunk:
            self.rows_done += news.chunk.rows
            self.rows_changed += news.chunk.changed
            self.rows_total = max(self.rows_total, self.rows_done)
            self.chunk_seconds = news.seconds
            self._recent.append((time.monotonic(), self.rows_done))
            while len(self._recent) > RATE_WINDOW * max(self.workers, 1):
                self._recent.popleft()

    def count(self, done: int, changed: int, total: int, workers: int, waiting: str) -> None:
        """Take in what the ledger says of workers in other processes."""
        if done != self.rows_done or not self._recent:
            self._recent.append((time.monotonic(), done))
        while len(self._recent) > RATE_WINDOW:
            self._recent.popleft()
        self.rows_done, self.rows_changed, self.rows_total, self.workers = done, changed, total, workers
        self._waiting = {0: waiting} if waiting else {}

    def ended(self, worker: int) -> None:
        self.workers -= 1
        self._waiting.pop(worker, None)


@dataclass(frozen=True, slots=True)
class Control:
    """What a walk asks and tells while it goes on, on the thread that it was started on.

    Attributes:
        report: takes the state before the first chunk, after each, and while one waits.
        check: raises what ends the walk, such as Interrupted or a lost database lock.
        failed: takes a row that was set aside, in words.
        stopping: whether a stop was asked for; may be called from any thread.
        workers: how many workers there should be now.
    """

    report: Callable[[Walked], None]
    check: Callable[[], None]
    failed: Callable[[str], None]
    stopping: Callable[[], bool]
    workers: Callable[[], int]


@dataclass(frozen=True, slots=True)
class _Ended:
    worker: int
    error: BaseException | None


class Walk:
    """Runs workers, each on a thread, until they are through or one fails; then the others finish their chunk."""

    def __init__(self, walked: Walked, control: Control) -> None:
        self.walked = walked
        self.control = control
        self._news: queue.SimpleQueue[Progress | _Ended] = queue.SimpleQueue()
        self._halt = threading.Event()
        self._running: set[int] = set()
        self._wanted = 0

    def halted(self) -> bool:
        return self._halt.is_set() or self.control.stopping()

    def tell(self, progress: Progress) -> None:
        self._news.put(progress)

    def wanted(self) -> int:
        """Return how many workers there should be; those with a higher number retire."""
        return self._wanted

    def run(self, make: Callable[[int], Worker]) -> Walked:
        """Let workers, each made by `make`, walk to the end.

        Raises:
            What the first worker to fail raised, or what `Control.check` did.
        """
        self.control.check()
        self._wanted, self.walked.workers = 0, self.control.workers()
        self.control.report(self.walked)
        self.walked.workers = 0
        try:
            self._hire(make)
            error = self._listen(make)
        finally:
            self._halt.set()
            while self._running:
                self._take_in(self._news.get())
        self.control.check()
        if error:
            raise error
        return self.walked

    def _hire(self, make: Callable[[int], Worker]) -> None:
        """Start as many workers as are wanted more than before; those that are too many see it themselves."""
        before, self._wanted = self._wanted, self.control.workers()
        if self._wanted > before:
            for number in range(1, self._wanted + 1):
                if number not in self._running:
                    self._start(number, make(number))

    def _start(self, number: int, worker: Worker) -> None:
        def work() -> None:
            error: BaseException | None = None
            try:
                worker.run()
            except BaseException as raised:  # noqa: BLE001 - it is raised again on the thread that waits
                error = raised
            self._news.put(_Ended(number, error))

        self._running.add(number)
        self.walked.workers += 1
        threading.Thread(target=work, name=f"backfill worker {number}", daemon=True).start()

    def _listen(self, make: Callable[[int], Worker]) -> BaseException | None:
        error: BaseException | None = None
        while self._running:
            try:
                news = self._news.get(timeout=LOOK_INTERVAL)
            except queue.Empty:
                self.control.check()
                self._hire(make)
                continue
            failed = self._take_in(news)
            if failed:
                error = error or failed
                self._halt.set()
            if not isinstance(news, _Ended):
                self.control.report(self.walked)
            if error is None:
                self.control.check()
                self._hire(make)
        return error

    def _take_in(self, news: Progress | _Ended) -> BaseException | None:
        if isinstance(news, Progress):
            self.walked.take_in(news)
            if news.failed:
                self.control.failed(news.failed)
            return None
        self._running.discard(news.worker)
        self.walked.ended(news.worker)
        return news.error
