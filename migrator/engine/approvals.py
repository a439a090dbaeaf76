"""A person says that what a gate asks for is true."""

from __future__ import annotations

from migrator.engine.refs import refs
from migrator.engine.target import Target
from migrator.errors import UsageError
from migrator.plan import Plan
from migrator.plan.steps.gate import Gate


class NoGateError(UsageError):
    """There is no gate to approve: the plan has none, all are approved, or the run has not come to one yet.

    `migrator status` shows where the run stands.
    """

    code = "MG163"


def approve(target: Target, plan: Plan, *, by: str, note: str) -> list[str]:
    """Approve the gate that the run of `plan` stands before; return what it asks for.

    Raises:
        NoGateError
    """
    run = target.ledger.open_run(plan.plan)
    if run is None:
        raise NoGateError(f"{plan.plan} has no run yet", help=f"begin it: migrator apply {plan.plan}")
    for row, (_, step) in zip(target.ledger.steps(run.id), refs(plan), strict=False):
        if row.state == "done":
            continue
        if isinstance(step, Gate):
            target.ledger.approve(row.id, by, note)
            target.ledger.set_run(run.id, "in progress")
            target.ledger.event(run.id, row.id, "approved", {"by": by, "note": note, "gate": step.gate})
            return [step.gate]
        raise NoGateError(
            f"{plan.plan} has not come to a gate: next is {row.phase}, {row.title}",
            help=f"go on with: migrator apply {plan.plan}",
        )
    raise NoGateError(f"{plan.plan} has no gate left to approve", help=f"see: migrator status {plan.plan}")
