"""One run of one plan while a command works on it: the database held, the ledger open, the step in hand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import asdict

from migrator.engine.acceptances import acceptance
from migrator.engine.events import Emit, Event, RowProgress, StepRef
from migrator.engine.holding import Holding
from migrator.engine.stop import Stop
from migrator.engine.target import Target
from migrator.ledger.controls import Asked, Controls
from migrator.ledger.ledger import Ledger, Run, StepRow
from migrator.plan import Plan
from migrator.plan.steps.revision import Revision

UNRECORDED = frozenset(
    {"rows", "build-progress", "statement", "paused"}
)  # progress; the journal and the slices have the rest


def choose_plain(target: Target, plan: Plan) -> None:
    """Let the revisions of a plan that are to run as they are written do so."""
    chosen = {step.revision: step.plain for _, _, step in plan.steps() if isinstance(step, Revision) and step.plain}
    if chosen:
        target.project.plain.update(chosen)


ASK_INTERVAL = 0.05  # seconds between two looks at what an operator asks
TELL_INTERVAL = 1.0  # seconds between two notes in the ledger of how a step goes
PAUSE_LOOK = 0.5  # seconds between two looks while a run is paused


class Session(Holding):
    """What a step is given to do its work with; a context manager that holds the database."""

    def __init__(self, target: Target, plan: Plan, emit: Emit, stop: Stop) -> None:
        super().__init__(target, plan.plan, emit, stop)
        self.plan = plan
        choose_plain(target, plan)
        self.ledger: Ledger = target.ledger
        self.run: Run | None = None
        self.accept_drift = False
        """Whether what somebody else has changed of the schema may stay."""
        self.engine = "local"
        """Where the workers of a backfill are: in this process, or in Celery."""
        self._asked = Asked()
        self._asked_at = float("-inf")
        self._asking = threading.Lock()
        self._told_at = float("-inf")
        self.current: tuple[StepRef, StepRow] | None = None

    def accepted(self, revision: str) -> str:
        return acceptance(self.plan, revision) or super().accepted(revision)

    @property
    def lock_timeout(self) -> float:
        return self.plan.lock_timeout.total_seconds() if self.plan.lock_timeout else super().lock_timeout

    @property
    def lock_wait(self) -> float:
        return self.plan.lock_wait.total_seconds() if self.plan.lock_wait else super().lock_wait

    @property
    def ref(self) -> StepRef | None:
        return self.current[0] if self.current else None

    def asked(self) -> Asked:
        """Return what an operator asks of the run; may be called from any thread, as often as one likes.

        Where he cancels it, a stop is requested, as by a signal.
        """
        with self._asking:
            if self.run and time.monotonic() - self._asked_at > ASK_INTERVAL:
                self._asked = Controls(self.target.asking, self.run.id).read()
                self._asked_at = time.monotonic()
                if self._asked.cancelled_by and not self.stop.requested:
                    self.stop.request()
            return self._asked

    def stand_still(self, waiting: Callable[[str], None]) -> None:
        """Return at once unless the run is paused, else when it is not any more; call `waiting` meanwhile.

        Raises:
            Interrupted, ConnectionLostError
        """
        while reason := self.asked().pause:
            waiting(reason)
            self.stop.sleep(PAUSE_LOOK)
            self.check()
        self.check()

    def emit(self, event: Event) -> None:
        """Tell the display and, unless it is mere progress, the ledger."""
        super().emit(event)
        if isinstance(event, RowProgress) and self.run and self.current:
            self._tell_others(event, self.current[1])
        if self.run and event.name not in UNRECORDED:
            data = {key: value for key, value in event.to_json().items() if key not in ("event", "step")}
            self.ledger.event(self.run.id, self.current[1].id if self.current else None, event.name, data)

    def _tell_others(self, event: RowProgress, row: StepRow) -> None:
        if time.monotonic() - self._told_at >= TELL_INTERVAL:
            self._told_at = time.monotonic()
            self.ledger.progress(row.id, {key: value for key, value in asdict(event).items() if key != "step"})
