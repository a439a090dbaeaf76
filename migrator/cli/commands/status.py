"""Responsible for ``migrator status``: where the plans of the project stand."""

from __future__ import annotations

from migrator.cli.command import Group, command
from migrator.cli.invocation import Invocation
from migrator.cli.options import OptionalPlanArgument


@command(Group.ASK, 1, examples=("migrator status", "migrator status product-tags --format json"))
def status(invocation: Invocation, plan: OptionalPlanArgument = None) -> int:
    """Show where every plan stands, or PLAN with its steps.

    Nothing is changed, and a run that is under way is not disturbed.
    """
    settings = invocation.settings()
    plans = invocation.plans(plan, settings)
    with invocation.target(settings) as target:
        from migrator.engine.status import status as ask  # noqa: PLC0415 - takes over a second to import
        from migrator.view import status as view  # noqa: PLC0415 - as above

        answer = ask(target, plans)
    invocation.answer(view, answer)
    return 0
