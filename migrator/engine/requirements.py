"""Plans that must be complete before another one starts."""

from __future__ import annotations

from collections.abc import Callable

from migrator.engine.target import Target
from migrator.errors import Location, RefusedError
from migrator.plan import Plan, load_all
from migrator.plan.steps.gate import Gate
from migrator.plan.steps.revision import Revision


class RequiredPlanError(RefusedError):
    """A plan that this one requires is not complete.

    A required plan that has neither gates nor a contract phase is applied by itself, first. One that has, waits for
    people: run it to its end before this one.
    """

    code = "MG328"


def apply_first(target: Target, plan: Plan, apply: Callable[[Plan], str]) -> None:
    """Apply what `plan` requires, where that needs no decision.

    Raises:
        RequiredPlanError: a required plan is not complete, or there is no such plan.
    """
    missing = incomplete(target, plan)
    for required in missing:
        if required.contract or any(isinstance(step, Gate) for _, _, step in required.steps()):
            raise RequiredPlanError(
                f"{plan.plan} requires {required.plan}, which is not complete",
                where=Location(plan.path),
                help=f"run it first: migrator apply {required.plan}",
            )
        apply(required)


def incomplete(target: Target, plan: Plan) -> list[Plan]:
    """Return the plans that `plan` requires and that are not complete, in the order it names them.

    Where the ledger does not know a plan, it counts as complete when all its revisions are applied: a project may have
    come to migrator later.

    Raises:
        RequiredPlanError: there is no such plan.
    """
    if not plan.requires:
        return []
    known = {one.plan: one for one in load_all(target.settings.plans)}
    missing = []
    for name in plan.requires:
        if name not in known:
            raise RequiredPlanError(
                f"{plan.plan} requires {name}, and there is no such plan in {target.settings.plans}",
                where=Location(plan.path),
                help=f"there are: {', '.join(sorted(known))}",
            )
        if not _is_complete(target, known[name]):
            missing.append(known[name])
    return missing


def _is_complete(target: Target, plan: Plan) -> bool:
    run = target.ledger.last_run(plan.plan) if target.has_ledger else None
    if run is not None:
        return run.state == "complete"
    revisions = [step.revision for _, _, step in plan.steps() if isinstance(step, Revision)]
    from migrator.revisions.runner import heads_of  # noqa: PLC0415 - SQLAlchemy and Alembic take half a second

    applied = target.project.ancestors(heads_of(target.project, target.url))
    return bool(revisions) and all(target.project.script(one).revision in applied for one in revisions)
