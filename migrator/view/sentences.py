"""Responsible for saying an event in one line; not for when or where the line is shown."""

from __future__ import annotations

from functools import singledispatch
from textwrap import shorten

from migrator.engine.events import (
    BuildProgress,
    Event,
    GateReached,
    GateWaiting,
    LockRetry,
    Notice,
    Paused,
    RevisionStarted,
    RowProgress,
    RunFinished,
    RunStarted,
    StatementFinished,
    StepFinished,
    StepStarted,
)
from migrator.postgres.blockers import Blocker, duration
from migrator.view.printable import one_line

SQL_LIMIT = 160
"""Longer statements are cut; the journal and the JSON lines have them whole."""


def sentence(event: Event) -> str:
    """Return `event` as one line: the step it is about, what happened, and why it stands still if it does."""
    step = f"{event.step}: " if event.step else ""
    blocked = f"; blocked by {'; '.join(map(blocker_line, blockers(event)))}" if blockers(event) else ""
    waiting = f"; waiting: {event.waiting}" if isinstance(event, RowProgress) and event.waiting else ""
    return one_line(step + clause(event) + waiting + blocked)


@singledispatch
def clause(event: Event) -> str:
    """Return what happened, without the step. An event that nobody has put into words yet is called by its name."""
    return event.name


@clause.register
def _run_started(event: RunStarted) -> str:
    forward = "goes on" if event.resumed else "starts"
    way = "goes back" if event.direction == "back" else forward
    done = f"{event.steps_done} of {event.steps_total} steps done"
    return f"{event.plan}: run {event.run} {way} to {event.to}, {done}"


@clause.register
def _run_finished(event: RunFinished) -> str:
    place = f" in {event.phase}" if event.state not in ("complete", "rolled back") else ""
    return f"{event.plan}: {event.state}{place} after {duration(event.seconds)}"


@clause.register
def _step_started(event: StepStarted) -> str:
    attempt = f", attempt {event.attempt}" if event.attempt > 1 else ""
    return ("undo started" if event.undo else "started") + attempt


@clause.register
def _step_finished(event: StepFinished) -> str:
    detail = f", {event.detail}" if event.detail else ""
    return f"{'undone' if event.undo else 'done'} in {duration(event.seconds)}{detail}"


@clause.register
def _revision_started(event: RevisionStarted) -> str:
    return f"{event.direction} {event.revision}: {event.message}"


@clause.register
def _statement_finished(event: StatementFinished) -> str:
    online = ", online" if event.online else ""
    lock = f", {event.lock} on {event.relation}" if event.lock else ""
    return f"{event.milliseconds:,.0f} ms{lock}{online}: {shorten(event.sql, SQL_LIMIT, placeholder=' ...')}"


@clause.register
def _lock_retry(event: LockRetry) -> str:
    return (
        f"could not lock {event.relation} within {duration(event.timeout)} (attempt {event.attempt}), "
        f"next try in {duration(event.delay)}, gives up in {duration(event.remaining)}"
    )


@clause.register
def _build_progress(event: BuildProgress) -> str:
    share = f" {_percent(event.done, event.total)}" if event.total else ""
    return f"building on {event.relation} for {duration(event.seconds)}, {event.phase}{share}"


@clause.register
def _row_progress(event: RowProgress) -> str:
    return f"{rows_so_far(event)}, {pace(event)}"


@clause.register
def _gate_reached(event: GateReached) -> str:
    return "; ".join([f"waiting at gate: {event.gate}", *event.notes])


@clause.register
def _gate_waiting(event: GateWaiting) -> str:
    return f"{_gate_reached(event)}; gives up in {duration(event.remaining)}; to open it: migrator approve {event.plan}"


@clause.register
def _paused(event: Paused) -> str:
    return f"{event.reason}; to go on: migrator resume {event.plan}"


@clause.register
def _notice(event: Notice) -> str:
    return event.text


def rows_so_far(event: RowProgress) -> str:
    """Return how far the walk over the rows has come."""
    total = max(event.rows_done, event.rows_total)  # statistics lag behind a table that grows
    share = f"{_percent(event.rows_done, total)}, " if total else ""
    return f"{share}{event.rows_done:,} of {total:,} rows"


def pace(event: RowProgress) -> str:
    """Return how fast it goes: the rate, the time left where it is known, the size and time of the last chunk."""
    facts = [f"{event.rows_per_second:,.0f} rows/s"]
    if event.eta is not None:
        facts.append(f"{duration(event.eta)} left")
    if event.chunk_rows:
        facts.append(f"chunk {event.chunk_rows:,} rows in {duration(event.chunk_seconds)}")
    if event.workers > 1:
        facts.append(f"{event.workers} workers")
    return ", ".join(facts)


def blockers(event: Event) -> tuple[Blocker, ...]:
    """Return the sessions that `event` says we wait for."""
    return event.blockers if isinstance(event, (LockRetry, BuildProgress)) else ()


def blocker_line(blocker: Blocker) -> str:
    """Return who blocks, and with which query, on one line."""
    return one_line(f"{blocker}: {blocker.query}" if blocker.query else str(blocker))


def _percent(done: int, total: int) -> str:
    # The total is an estimate: 100 % is said by the step that is done, not by its progress.
    return f"{min(99, 100 * done // total)} %"
