"""A `revision` step: one Alembic revision, up or down, with the dual writes and archives that end where it drops."""

from __future__ import annotations

from typing import Any

from migrator.check.losses import LossWatch
from migrator.engine import archives, dual_writes
from migrator.engine.dropped import located
from migrator.engine.losses import data_loss
from migrator.engine.own_changes import changing
from migrator.engine.session import Session
from migrator.ledger.ledger import StepRow
from migrator.plan.steps.revision import Revision
from migrator.revisions.accepted import Accepted
from migrator.revisions.session_settings import own_rights
from migrator.sql.effects import Effect


def run(session: Session, step: Revision, row: StepRow) -> str:
    """Apply the revision unless it is applied, with what it drops archived first."""
    ending: list[archives.Kept] = []
    if row.phase == "contract":
        ending = [*dual_writes.active(session), *archives.keep(session, step, row)]

    watch = LossWatch()
    script = session.target.project.script(step.revision, step.location)
    written = Accepted(str(script.module.__file__), session.target.settings.allow)

    def before(cursor: Any, effect: Effect) -> None:
        # Preflight has looked, but not every revision can be followed to its end without running it.
        accepted = written.rules_now() if effect.drops or effect.data_changes else frozenset[str]()
        lost = [loss for loss in watch.see(effect, accepted) if not loss.kept_by(step.archive)]
        if lost and not step.irreversible:
            raise data_loss(step, lost)
        gone = located(cursor, effect) if ending else effect
        for one in ending:
            if one.ends_with(gone):
                with own_rights(cursor):
                    one.end_within(cursor, effect)

    session.companion = before
    with changing(session.target):
        return "applied" if session.runner.upgrade(step.revision, step.location) else "already applied"


def undo(session: Session, step: Revision, row: StepRow) -> str:
    """Downgrade the revision, or what is applied of it, and fill what comes back from the archive."""
    session.companion = lambda _cursor, _effect: None
    with changing(session.target):
        done = _undo(session, step)
        came = archives.restore(session, step, row)
    return f"{done}, {came}" if came else done


def _undo(session: Session, step: Revision) -> str:
    revision = session.target.project.script(step.revision, step.location).revision
    if revision in session.target.project.ancestors(session.runner.version().heads):
        session.runner.downgrade(revision, step.location)
        return "downgraded"
    return "undone" if session.runner.revert(revision, step.location) else "was not applied"
