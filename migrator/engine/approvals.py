"""A person says that what a gate asks for is true."""

from __future__ import annotations

from migrator.engine.evidence import examine
from migrator.engine.refs import refs
from migrator.engine.target import Target
from migrator.errors import AnswerIsNo, UsageError
from migrator.ledger.ledger import StepRow
from migrator.plan import Plan
from migrator.plan.steps.gate import Evidence, Gate


class NoGateError(UsageError):
    """There is no gate to approve: the plan has none, all are approved, or the run has not come to one yet.

    `migrator status` shows where the run stands.
    """

    code = "MG163"


class StillUsedError(AnswerIsNo):
    """A gate cannot be approved, because the server shows that what it asks for is not so.

    Who or what uses the column or table, which client is too old, or which rows differ is named. When that is gone,
    approve again; or run `migrator apply`, which goes through by itself once it has been so for as long as the plan
    says.
    """

    code = "MG403"


def approve(target: Target, plan: Plan, *, by: str, note: str) -> list[str]:
    """Approve the gate that the run of `plan` stands before; return what it asks for, or nothing if all were approved.

    Raises:
        NoGateError, StillUsedError
    """
    run = target.ledger.open_run(plan.plan)
    if run is None:
        raise NoGateError(f"{plan.plan} has no run yet", help=f"begin it: migrator apply {plan.plan}")
    placed = list(zip(target.ledger.steps(run.id), refs(plan), strict=False))
    gates = [row for row, (_, step) in placed if isinstance(step, Gate)]
    if gates and all(row.state == "done" for row in gates):
        return []
    for row, (_, step) in placed:
        if row.state == "done":
            continue
        if isinstance(step, Gate):
            seen = _evidence(target, plan, step, row) if isinstance(step.gate, Evidence) else ()
            target.ledger.approve(row.id, by, "; ".join(filter(None, (note, *seen))))
            target.ledger.set_run(run.id, "in progress")
            target.ledger.event(
                run.id, row.id, "approved", {"by": by, "note": note, "gate": step.words, "evidence": seen}
            )
            return [step.words]
        raise NoGateError(
            f"{plan.plan} has not come to a gate: next is {row.phase}, {row.title}",
            help=f"go on with: migrator apply {plan.plan}",
        )
    raise NoGateError(f"{plan.plan} has no gate left to approve", help=f"see: migrator status {plan.plan}")


def _evidence(target: Target, plan: Plan, step: Gate, row: StepRow) -> tuple[str, ...]:
    """Return what the server shows of the gate's column, for the ledger."""
    examined = examine(target.asking, plan, step, row)
    if examined.users:
        raise StillUsedError(
            f"{examined.words}: that is not so yet",
            where=step.location,
            notes=examined.notes,
            help="take that away, and approve again",
        )
    return examined.notes
