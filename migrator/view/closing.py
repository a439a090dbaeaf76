"""Responsible for the last line of a command that changed something; not for deciding what comes next."""

from __future__ import annotations

from typing import Any

from migrator.engine.reports import RunStatus
from migrator.view.ink import Ink


def document(run: RunStatus) -> dict[str, Any]:
    """Return where the plan stands as a JSON-able mapping."""
    return {
        "version": 1,
        "event": "closing",
        "plan": run.plan,
        "phase": run.phase,
        "state": run.state,
        "next_command": run.next_command,
    }


def text(run: RunStatus, ink: Ink) -> str:
    """Return where the plan stands, and the command that goes on from there."""
    phase = f" in {run.phase}" if run.phase and run.state not in {"complete", "not started", "rolled back"} else ""
    follow_up = f"; next: {run.next_command}" if run.next_command else ""
    return f"{ink.bold(run.plan)}: {run.state}{phase}{follow_up}"
