"""Reads and writes runs, steps, approvals and events; what they mean is the engine's business."""

from __future__ import annotations

import getpass
import socket
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from migrator.postgres.queries import query


@dataclass(frozen=True, slots=True)
class Run:
    """A run as the ledger has it. `document` is the plan's meaning when it began."""

    id: int
    plan: str
    fingerprint: str
    document: dict[str, Any]
    state: str
    direction: str
    started_by: str
    started_at: datetime
    error: str | None


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step as the ledger has it. `position` counts from 1 over the whole plan.

    `workers` are those that hold a lease on rows of the step now, `failed` the rows that were set aside, `progress`
    what the process that works on the step has told of its rows in the last seconds.
    """

    id: int
    position: int
    phase: str
    kind: str
    title: str
    state: str
    attempts: int
    seconds: float
    started_at: datetime | None
    finished_at: datetime | None
    detail: str | None
    error: str | None
    rows_done: int | None
    rows_total: int | None
    workers: int
    failed: int
    progress: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Approval:
    """Who let a run through a gate, when, and what he said."""

    by: str
    at: datetime
    note: str


def whoami() -> str:
    """Return ``user@host`` of this process."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run under an id that no name belongs to
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


class Ledger:
    """The ledger over one autocommit connection. A method is one statement, or leaves what a second run completes."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        self.by = whoami()

    def _execute(self, name: str, **parameters: object) -> psycopg.Cursor[Any]:
        return self.connection.execute(query(name), parameters)

    def open_run(self, plan: str) -> Run | None:
        """Return the run of `plan` that is not rolled back, if there is one."""
        row = self._execute("run_open", plan=plan).fetchone()
        return Run(*row) if row else None

    def last_run(self, plan: str) -> Run | None:
        """Return the newest run of `plan`, rolled back or not."""
        row = self._execute("run_last", plan=plan).fetchone()
        return Run(*row) if row else None

    def create_run(
        self, plan: str, fingerprint: str, document: dict[str, Any], steps: list[tuple[str, str, str]]
    ) -> Run:
        """Begin a run with its steps, each ``(phase, kind, title)``, all or nothing."""
        with self.connection.transaction():
            row = self._execute(
                "run_insert", plan=plan, fingerprint=fingerprint, document=Jsonb(document), by=self.by
            ).fetchone()
            assert row
            for position, (phase, kind, title) in enumerate(steps, start=1):
                self._execute("step_insert", run=row[0], position=position, phase=phase, kind=kind, title=title)
        run = self.open_run(plan)
        assert run
        return run

    def set_run(self, run: int, state: str, *, direction: str | None = None, error: str | None = None) -> None:
        self._execute("run_set", run=run, state=state, direction=direction, error=error)

    def steps(self, run: int) -> list[StepRow]:
        return [StepRow(*row) for row in self._execute("steps_of_run", run=run)]

    def start_step(self, step: int, state: str) -> int:
        """Mark a step as running or undoing; return which attempt this is."""
        row = self._execute("step_start", step=step, state=state).fetchone()
        assert row
        return int(row[0])

    def finish_step(self, step: int, state: str, detail: str) -> None:
        self._execute("step_finish", step=step, state=state, detail=detail)

    def reset_step(self, step: int) -> None:
        """Mark a step that was begun as pending again: it did nothing."""
        self._execute("step_reset", step=step)

    def fail_step(self, step: int, error: str) -> None:
        self._execute("step_error", step=step, error=error)

    def approval(self, step: int) -> Approval | None:
        row = self._execute("approval_of", step=step).fetchone()
        return Approval(*row) if row else None

    def approve(self, step: int, by: str, note: str) -> None:
        self._execute("approval_insert", step=step, by=by, note=note)

    def withdraw_approval(self, step: int) -> None:
        self._execute("approval_delete", step=step)
        self._execute("evidence_delete", step=step)

    def event(self, run: int, step: int | None, event: str, data: dict[str, Any]) -> None:
        self._execute("event_insert", run=run, step=step, by=self.by, event=event, data=Jsonb(data))

    def progress(self, step: int, progress: dict[str, Any]) -> None:
        """Keep how a step goes, for whoever asks meanwhile."""
        self._execute("step_progress", step=step, progress=Jsonb(progress))

    def events(self, plan: str | None, limit: int) -> list[tuple[Any, ...]]:
        """Return the newest `limit` events, oldest first."""
        return self._execute("events_list", plan=plan, limit=limit).fetchall()[::-1]

    def dual_write_state(self, step: int) -> str | None:
        row = self._execute("dual_write_state", step=step).fetchone()
        return row[0] if row else None
