"""What of a step cannot be undone, why, and what an archive would make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.backfill.moves import kind_of
from migrator.check.losses import KEPT
from migrator.engine.losses import unkept
from migrator.engine.target import Target
from migrator.plan import Step
from migrator.plan.steps.backfill import Backfill
from migrator.plan.steps.revision import Revision
from migrator.postgres.tables import Table, UnknownTableError, find_table
from migrator.revisions.downgrade import why_no_downgrade

if TYPE_CHECKING:
    from migrator.revisions.recorder import Recorded


def what_lasts(target: Target, step: Step, recorded: Recorded | None) -> list[str] | None:
    """Return one sentence for each thing that a rollback could not bring back; None where that cannot be told.

    `recorded` is what a revision is going to send.
    """
    if isinstance(step, Backfill):
        found = kind_of(step).losses(step, lambda name: _table(target, name))
        kept = f"; archive: [{step.table}] would keep the rows until migrator purge" if step.delete else ""
        return [f"cannot be undone: it {loss}{kept}" for loss in found]
    if not isinstance(step, Revision):
        return []
    if recorded is None or recorded.unseen:
        return None
    if without := why_no_downgrade(target.project.script(step.revision, step.location)):
        return [f"cannot be undone: {without}; an archive is of no use without a downgrade"]
    return [
        f"cannot be undone: it loses {loss}"
        + (f"; archive: [{loss.entry}] would keep it until migrator purge" if loss.kind in KEPT else "")
        for loss in unkept(step, ((sent.effect, frozenset()) for sent in recorded.sent))
    ]


def _table(target: Target, name: str) -> Table | None:
    try:
        return find_table(target.asking, name)
    except UnknownTableError:
        return None
