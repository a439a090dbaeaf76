"""The steps of a plan, each with the name that events and reports call it by."""

from __future__ import annotations

from migrator.engine.events import StepRef
from migrator.plan import Phase, Plan, Step


def refs(plan: Plan) -> list[tuple[StepRef, Step]]:
    """Return the steps of a plan in order, each with how events call it."""
    counts = {phase: len(plan.phase(phase)) for phase in Phase}
    return [
        (StepRef(str(phase), index, counts[phase], step.kind, step.title()), step)
        for phase, index, step in plan.steps()
    ]
