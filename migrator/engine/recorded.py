"""The plan of a run as the ledger recorded it, which a rollback goes by even where the file was changed since."""

from __future__ import annotations

from migrator.ledger.ledger import Run
from migrator.plan import Phase, Plan, fingerprint, kinds, plan_document


def plan_of(run: Run, plan: Plan) -> Plan:
    """Return `plan` itself where it still means what the run was begun with, else the recorded one."""
    if fingerprint(plan_document(plan)) == run.fingerprint:
        return plan
    steps = {
        str(phase): tuple(
            kinds()[step["kind"]].model_validate({key: value for key, value in step.items() if key != "kind"})
            for step in run.document[phase]
        )
        for phase in Phase
    }
    return plan.model_copy(update=steps)
