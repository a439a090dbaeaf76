"""A `gate` step: the run stands still until a person has said that something is true, or the server shows it."""

from __future__ import annotations

from migrator.engine.events import GateReached
from migrator.engine.evidence import examine
from migrator.engine.session import Session
from migrator.errors import WaitingError
from migrator.ledger.ledger import StepRow
from migrator.plan.steps.gate import Evidence, Gate


class GateClosedError(WaitingError):
    """The run stands before a gate that nobody has approved.

    Everything before it is done. When what the gate asks for is true, say so with `migrator approve PLAN`, and run the
    same command again.
    """

    code = "MG501"


def run(session: Session, step: Gate, row: StepRow) -> str:
    """Go through if the gate is approved.

    Raises:
        GateClosedError
    """
    approval = session.ledger.approval(row.id)
    if approval is None and isinstance(step.gate, Evidence):
        return _by_evidence(session, step, row)
    if approval is None:
        session.emit(GateReached(step=session.ref, plan=session.plan.plan, gate=step.words))
        raise GateClosedError(f"{session.plan.plan} stands at a gate: {step.words}", where=step.location)
    return f"approved by {approval.by}" + (f": {approval.note}" if approval.note else "")


def _by_evidence(session: Session, step: Gate, row: StepRow) -> str:
    examined = examine(session.ledger.connection, session.plan, step, row)
    if not examined.open:
        gate = GateReached(step=session.ref, plan=session.plan.plan, gate=step.words, notes=examined.notes)
        session.emit(gate)
        raise GateClosedError(
            f"{session.plan.plan} stands at a gate: {step.words}", where=step.location, notes=examined.notes
        )
    session.ledger.approve(row.id, "evidence", "; ".join(examined.notes))
    return f"open by evidence: {'; '.join(examined.notes)}"


def undo(session: Session, step: Gate, row: StepRow) -> str:
    """Withdraw the approval: what it said was about a state that is no more."""
    del step
    session.ledger.withdraw_approval(row.id)
    return "approval withdrawn"
