"""A `revision` step: one Alembic revision, up or down, with the dual writes that end where it drops their columns."""

from __future__ import annotations

from typing import Any

from migrator.engine import dual_writes
from migrator.engine.session import Session
from migrator.ledger.ledger import StepRow
from migrator.plan.steps.revision import Revision
from migrator.sql.effects import Effect


def run(session: Session, step: Revision, row: StepRow) -> str:
    """Apply the revision unless it is applied."""
    active = dual_writes.active(session) if row.phase == "contract" else []

    def end_dual_writes(cursor: Any, effect: Effect) -> None:
        for one in active:
            if one.ends_with(effect):
                one.remove_within(cursor)

    session.companion = end_dual_writes
    return "applied" if session.runner.upgrade(step.revision, step.location) else "already applied"


def undo(session: Session, step: Revision, row: StepRow) -> str:
    """Downgrade the revision, or what is applied of it."""
    del row
    session.companion = lambda _cursor, _effect: None
    revision = session.target.project.script(step.revision, step.location).revision
    if revision in session.target.project.ancestors(session.runner.version().heads):
        session.runner.downgrade(revision, step.location)
        return "downgraded"
    return "undone" if session.runner.revert(revision, step.location) else "was not applied"
