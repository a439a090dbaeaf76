"""What happens while a run goes on, as data: the engine emits these, the view draws them, the ledger keeps them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from migrator.postgres.blockers import Blocker


@dataclass(frozen=True, slots=True)
class StepRef:
    """Which step of which plan an event is about. `index` counts from 1 within the phase."""

    phase: str
    index: int
    count: int
    kind: str
    title: str

    def __str__(self) -> str:
        return f"{self.phase} {self.index}/{self.count} {self.title}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events. `name` is what the ledger and the JSON lines call it."""

    name: ClassVar[str] = "event"
    step: StepRef | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the event as a JSON-able mapping that starts with its name."""
        return {"event": self.name, **{key: value for key, value in asdict(self).items() if value is not None}}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    """A plan begins, or goes on where it stopped. `direction` is ``forward`` or ``back``."""

    name: ClassVar[str] = "run-started"
    plan: str
    run: int
    direction: str
    to: str
    steps_done: int
    steps_total: int
    resumed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event):
    """The run came to rest. `state` is the ledger's word: complete, waiting, stopped, rolled back, in progress."""

    name: ClassVar[str] = "run-finished"
    plan: str
    run: int
    state: str
    phase: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted(Event):
    """A step begins. `undo` tells the way; `attempt` counts from 1 over all processes."""

    name: ClassVar[str] = "step-started"
    attempt: int
    undo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished(Event):
    """A step is done (or undone). `detail` is one short clause, such as ``1,000,000 rows``."""

    name: ClassVar[str] = "step-finished"
    seconds: float
    detail: str = ""
    undo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionStarted(Event):
    """The function of an Alembic revision begins to run. `direction` is ``upgrade`` or ``downgrade``."""

    name: ClassVar[str] = "revision-started"
    revision: str
    direction: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementFinished(Event):
    """One statement was committed or joined the open transaction. `lock` is the strongest mode on `relation`."""

    name: ClassVar[str] = "statement"
    sql: str
    lock: str
    relation: str
    online: bool
    milliseconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LockRetry(Event):
    """A lock was not granted in time; everything was rolled back and is tried again after `delay` seconds."""

    name: ClassVar[str] = "lock-retry"
    relation: str
    attempt: int
    timeout: float
    delay: float
    remaining: float
    blockers: tuple[Blocker, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildProgress(Event):
    """A concurrent index build goes on. `phase` is PostgreSQL's word; `blockers` are who it waits for."""

    name: ClassVar[str] = "build-progress"
    relation: str
    phase: str
    done: int
    total: int
    seconds: float
    blockers: tuple[Blocker, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RowProgress(Event):
    """Rows were walked by a backfill, a verification or a refill.

    `rows_total` is an estimate from statistics; `eta` is in seconds, None until a rate is known; `waiting` is why
    the work stands still, as ``signal observed > limit``, or empty; `workers` is how many work on it.
    """

    name: ClassVar[str] = "rows"
    rows_done: int
    rows_total: int
    rows_per_second: float
    eta: float | None
    chunk_rows: int
    chunk_seconds: float
    waiting: str = ""
    workers: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused(Event):
    """The run stands still before a step because an operator has paused it; told again and again while it does."""

    name: ClassVar[str] = "paused"
    plan: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReached(Event):
    """The run stands before a gate that nobody has approved."""

    name: ClassVar[str] = "gate"
    plan: str
    gate: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GateWaiting(GateReached):
    """The command waits at a gate, and gives up after `remaining` seconds; told again and again while it does."""

    name: ClassVar[str] = "gate-waiting"
    remaining: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Event):
    """Something a person should know and need not act on."""

    name: ClassVar[str] = "notice"
    text: str


Emit = Callable[[Event], None]
