"""Where the plans stand, from the ledger alone; asking changes nothing and needs no lock."""

from __future__ import annotations

from collections.abc import Sequence

from migrator.engine.doctor import half_applied
from migrator.engine.purge import archives
from migrator.engine.refs import refs
from migrator.engine.reports import HistoryEntry, RunStatus, StatusReport, StepStatus
from migrator.engine.target import Target
from migrator.ledger.controls import Controls
from migrator.ledger.ledger import Run, StepRow
from migrator.ledger.lock import holder
from migrator.plan import Phase, Plan
from migrator.postgres.blockers import Blocker
from migrator.postgres.queries import query


def status(target: Target, plans: Sequence[Plan]) -> StatusReport:
    """Return where each of `plans` stands."""
    held = holder(target.asking) if target.has_ledger else None
    names = {plan.plan for plan in plans}
    kept = tuple(one for one in archives(target, None, 0) if one.plan in names)
    half = half_applied(target) if target.has_ledger and not held else ()
    return StatusReport(target.shown, tuple(_one(target, plan, held) for plan in plans), kept, half)


def history(target: Target, plan: str | None, limit: int) -> list[HistoryEntry]:
    """Return the newest `limit` events of `plan`, or of all plans, oldest first."""
    if not target.has_ledger:
        return []
    return [HistoryEntry(*row) for row in target.ledger.events(plan, limit)]


def _one(target: Target, plan: Plan, held: Blocker | None) -> RunStatus:
    run = target.ledger.last_run(plan.plan) if target.has_ledger else None
    if run is None:
        steps = tuple(StepStatus(ref.phase, ref.index, ref.kind, ref.title, "pending", 0) for ref, _ in refs(plan))
        return RunStatus(
            plan.plan, "start", "not started", str(plan.path), next_command=f"migrator apply {plan.plan}", steps=steps
        )
    rows = target.ledger.steps(run.id)
    ours = held if held and f" {plan.plan} " in f"{held.application} " else None
    state = run.state if run.state != "running" or ours else "stopped"
    asked = Controls(target.asking, run.id).read()
    return RunStatus(
        plan=plan.plan,
        phase=_reached(rows),
        state=state,
        path=str(plan.path),
        run=run.id,
        held_by=ours,
        next_command=f"migrator resume {plan.plan}"
        if asked.paused_by and ours
        else _next(target, plan.plan, state, run),
        steps=tuple(_step(row, rows, state) for row in rows),
        paused=asked.pause,
        settings=asked.settings,
    )


def _reached(rows: list[StepRow]) -> str:
    """Return the phase of the first step that is not done, or contract where all are."""
    return next((row.phase for row in rows if row.state != "done"), str(Phase.CONTRACT))


def _next(target: Target, plan: str, state: str, run: Run) -> str:
    if state == "waiting":
        return f"migrator approve {plan}"
    if state in ("complete", "running"):
        return ""
    if run.direction == "back" and state in ("stopped", "failed"):
        (to,) = target.asking.execute(query("run_asked"), {"run": run.id}).fetchone() or ("start",)
        return f"migrator rollback {plan}" + (f" --to {to}" if to != "start" else "")
    return f"migrator apply {plan}"


def _step(row: StepRow, rows: list[StepRow], of_run: str) -> StepStatus:
    first = next((other.position for other in rows if other.state != "done"), 0)
    state = row.state
    if of_run == "waiting" and row.position == first:
        state = "waiting"
    elif state == "running" and of_run in ("failed", "stopped"):  # nobody works on it now
        state = of_run
    index = sum(other.phase == row.phase and other.position <= row.position for other in rows)
    now = row.progress or {}
    done = now.get("rows_done") if row.rows_done is None else row.rows_done
    total = now.get("rows_total") if row.rows_total is None else row.rows_total
    return StepStatus(
        row.phase, index, row.kind, row.title, state, row.attempts, done, total,
        row.started_at, row.finished_at, row.seconds, row.detail or "", row.error or "", row.workers, row.failed,
        now.get("rows_per_second"), now.get("eta"), now.get("chunk_rows"), now.get("waiting", ""),
    )  # fmt: skip
