"""Responsible for how the answer of ``migrator rollback --dry-run`` looks; not for finding it out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from migrator.engine.reports import UndoReport
from migrator.view.ink import Ink
from migrator.view.printable import printable


def document(report: UndoReport) -> dict[str, Any]:
    """Return the answer as a JSON-able mapping."""
    return {"version": 1, **asdict(report)}


def text(report: UndoReport, ink: Ink) -> str:
    """Return the steps in the order in which they are undone, each with the data at stake below it."""
    if not report.steps:
        return f"{ink.bold(report.plan)}: nothing to undo behind {report.to}"
    lines = [f"{ink.bold(report.plan)} back to {report.to} undoes, in this order:"]
    for number, step in enumerate(report.steps, start=1):
        state = "" if step.state == "done" else f" ({step.state})"
        lines.append(f"  {number}. {step.phase} {step.index}: {printable(step.title)}{state}")
        lines += [f"     - {printable(stake)}" for stake in step.stakes]
    return "\n".join(lines)
