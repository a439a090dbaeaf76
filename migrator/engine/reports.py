"""The answers of commands that ask and do not change: plan, status, history, verify. Pure data for the view."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from migrator.postgres.blockers import Blocker


@dataclass(frozen=True, slots=True)
class StatementReport:
    """One statement that a step will send.

    `lock` is the strongest mode taken on a relation that exists, `blocks` says what that stops (``reads and writes``,
    ``writes``, ``schema changes``, ``nothing``). `online` is the form that will run instead, statement by statement;
    `plain` why it will not, by a person's choice.
    """

    sql: str
    relation: str
    lock: str
    blocks: str
    rewrites: bool
    scans: bool
    online: tuple[str, ...] = ()
    refused: str = ""
    plain: str = ""
    blocked_by: tuple[Blocker, ...] = ()


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step of the plan and what it will do. `state` is pending, running, done, undoing, or waiting."""

    phase: str
    index: int
    count: int
    kind: str
    title: str
    state: str
    reversible: bool
    irreversible_reason: str = ""
    rows: int | None = None
    estimate_seconds: float | None = None
    notes: tuple[str, ...] = ()
    statements: tuple[StatementReport, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanReport:
    """What `migrator plan` answers. `pending` is how many steps are still to do."""

    plan: str
    summary: str
    path: str
    database: str
    server_version: str
    steps: tuple[StepReport, ...]
    pending: int
    requires: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    """What would make `apply` refuse now, one sentence each."""

    def to_json(self) -> dict[str, Any]:
        return {"version": 1, **asdict(self)}


@dataclass(frozen=True, slots=True)
class StepStatus:
    """One step of a run as the ledger has it. Times are aware datetimes; `seconds` is the time spent so far.

    `state` is pending, running, failed, stopped, done, undoing, or waiting.

    `workers` work on its rows now; `failed` rows are set aside. While it goes on, `eta` is in seconds, and `waiting` is
    why it stands still, or empty.
    """

    phase: str
    index: int
    kind: str
    title: str
    state: str
    attempts: int
    rows_done: int | None = None
    rows_total: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    seconds: float | None = None
    detail: str = ""
    error: str = ""
    workers: int = 0
    failed: int = 0
    rows_per_second: float | None = None
    eta: float | None = None
    chunk_rows: int | None = None
    waiting: str = ""


@dataclass(frozen=True, slots=True)
class RunStatus:
    """One plan and where it stands. `state`: not started, running, waiting, stopped, failed, complete, rolled back.

    `paused` says who has paused it and since when; `settings` are those of `migrator set`.
    """

    plan: str
    phase: str
    state: str
    path: str = ""
    run: int | None = None
    held_by: Blocker | None = None
    next_command: str = ""
    steps: tuple[StepStatus, ...] = ()
    paused: str = ""
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Archive:
    """What contract removed, kept in table or type `name` of schema `migrator_archive`.

    `table` is the name of the type where that is kept, and `column` is empty where not a column is; `size` is in bytes,
    `age` in seconds.
    """

    name: str
    plan: str
    table: str
    column: str
    created_at: datetime
    size: int
    age: float
    kind: str

    @property
    def what(self) -> str:
        """The column, the table or the type, as one would write it."""
        table = self.table.removeprefix("public.")
        return f"{table}.{self.column}" if self.column else f"{self.kind} {table}"


@dataclass(frozen=True, slots=True)
class StatusReport:
    """What `migrator status` answers: every plan of the project, in order, or the one asked for."""

    database: str
    runs: tuple[RunStatus, ...] = field(default_factory=tuple)
    archives: tuple[Archive, ...] = ()
    half_applied: tuple[Ailment, ...] = ()
    """Revisions that are committed only in part, and nobody is at work."""

    def to_json(self) -> dict[str, Any]:
        return {"version": 1, **asdict(self)}


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One event of a run from the ledger. `data` is the event's JSON."""

    at: datetime
    plan: str
    run: int
    event: str
    step: str
    by: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What `migrator verify` answers, one entry per verify step. `examples` are keys of rows that differ."""

    plan: str
    step: str
    table: str
    rows: int
    differing: int
    examples: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Ailment:
    """Something that endangers a migration. `mend` is SQL or a command that can be pasted."""

    check: str
    subject: str
    what: str
    mend: str


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """What `migrator doctor` answers. `unseen` are the checks that this role may not make."""

    database: str
    server_version: str
    ailments: tuple[Ailment, ...]
    unseen: tuple[str, ...] = ()
    archives: tuple[Archive, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {"version": 1, **asdict(self)}


@dataclass(frozen=True, slots=True)
class UndoStep:
    """A step that a rollback would undo. `stakes` say what becomes of data, one sentence each."""

    phase: str
    index: int
    kind: str
    title: str
    state: str
    stakes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UndoReport:
    """What `migrator rollback --dry-run` answers: the steps in the order in which they would be undone."""

    plan: str
    to: str
    steps: tuple[UndoStep, ...]


@dataclass(frozen=True, slots=True)
class TriedRow:
    """One row that a preview tried, by its key: what it was and became, as JSON, or why the database refused it.

    `before` is None for a row that is new, `after` for one that is deleted.
    """

    key: str
    before: Any = None
    after: Any = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class StepPreview:
    """What a backfill step did to a sample. Estimates are for the whole table and one worker; sizes are in bytes.

    `places` is how many stretches of the table the rows are from, `locked` how many were left out because of locks.
    `bytes_estimate` is the size of the row versions that are made, or of the rows that go; `wal_estimate` has every
    page in full once. `hot_share` is the share of the updates that left the indexes alone. None where statistics are
    missing, or where it was not measured.
    """

    title: str
    rows_total: int | None
    table_bytes: int
    places: int
    locked: int
    rows_tried: int
    rows_written: int
    refused: tuple[TriedRow, ...]
    examples: tuple[TriedRow, ...]
    rows_estimate: int | None
    bytes_estimate: int | None
    wal_estimate: int | None
    seconds_estimate: float | None
    hot_share: float | None
    phase: str = ""
    index: int = 0


@dataclass(frozen=True, slots=True)
class PreviewReport:
    """What `migrator backfill --dry-run` answers: the backfill steps that are not done, each tried on some rows."""

    plan: str
    database: str
    steps: tuple[StepPreview, ...]
