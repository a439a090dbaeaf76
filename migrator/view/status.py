"""Responsible for how the answer of ``migrator status`` looks; not for where the runs stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from migrator.engine.reports import RunStatus, StatusReport, StepStatus
from migrator.postgres.blockers import duration
from migrator.view.ink import Ink
from migrator.view.printable import one_line
from migrator.view.purge import kept
from migrator.view.table import table

AT_REST = ("complete", "not started", "rolled back")


def document(report: StatusReport) -> dict[str, Any]:
    """Return the report as a JSON-able mapping."""
    return report.to_json()


def text(report: StatusReport, ink: Ink) -> str:
    """Return one line per plan, and the steps of those that are under way or were asked for."""
    lines = [f"database {report.database}", "", *_half_applied(report, ink)]
    if not report.runs:
        return "\n".join([*lines, "no plans"])
    rows = [[run.plan, run.phase, run.state, run.next_command] for run in report.runs]
    lines += table(["PLAN", "PHASE", "STATE", "NEXT"], rows, ink)
    for run in report.runs:
        if len(report.runs) == 1 or run.state not in AT_REST:
            lines += ["", *_run(run, ink)]
    if report.archives:
        lines += ["", ink.bold("archives, until migrator purge"), *kept(report.archives)]
    return "\n".join(lines)


def _half_applied(report: StatusReport, ink: Ink) -> Iterator[str]:
    for one in report.half_applied:
        yield f"{ink.bad('!')} {one_line(one.subject)}: {one_line(one.what)}"
        yield f"    next: {one.mend}"
        yield ""


def _run(run: RunStatus, ink: Ink) -> list[str]:
    number = f", run {run.run}" if run.run is not None else ""
    lines = [ink.bold(f"{run.plan}{number}")]
    if run.held_by:
        lines.append(f"held by {run.held_by}")
    if run.paused:
        lines.append(run.paused)
    if run.settings:
        lines.append("set: " + ", ".join(f"{name}={value}" for name, value in run.settings.items()))
    heads = ["STEP", "", "STATE", "ROWS", "TIME", "ATTEMPTS", "DETAIL"]
    lines += table(heads, [_step(step) for step in run.steps], ink)
    return lines


def _step(step: StepStatus) -> list[str]:
    attempts = str(step.attempts) if step.attempts > 1 else ""
    seconds = duration(step.seconds) if step.seconds is not None else ""
    facts = [step.error or step.detail, *_pace(step)]
    if step.workers > 1:
        facts.append(f"{step.workers} workers")
    if step.failed and step.state != "done":
        facts.append(f"{step.failed:,} rows set aside")
    detail = one_line(", ".join(fact for fact in facts if fact))
    return [f"{step.phase} {step.index}", step.title, step.state, _rows(step), seconds, attempts, detail]


def _pace(step: StepStatus) -> Iterator[str]:
    if step.waiting:
        yield f"waits: {step.waiting}"
    elif step.rows_per_second:
        yield f"{step.rows_per_second:,.0f} rows/s"
        if step.eta is not None:
            yield f"{duration(step.eta)} left"


def _rows(step: StepStatus) -> str:
    if step.rows_done is None:
        return ""
    # The total is an estimate while the step runs; the rows of a step that is done are known.
    if step.rows_total is None or step.state == "done":
        return f"{step.rows_done:,}"
    return f"{step.rows_done:,} of {max(step.rows_done, step.rows_total):,}"
