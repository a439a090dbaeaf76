"""A `dual_write` step: triggers on, triggers off."""

from __future__ import annotations

from migrator.engine import dual_writes
from migrator.engine.session import Session
from migrator.ledger.ledger import StepRow
from migrator.plan.steps.dual_write import DualWrite


def run(session: Session, step: DualWrite, row: StepRow) -> str:
    """Install the triggers."""
    dual_writes.install(session, step, row, "active")
    return "triggers installed"


def undo(session: Session, step: DualWrite, row: StepRow) -> str:
    """Remove the triggers."""
    if session.ledger.dual_write_state(row.id) is None:
        return "was not installed"
    dual_writes.remove(session, step, row, None)
    return "triggers removed"
