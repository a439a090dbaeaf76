"""Responsible for ``migrator verify``: do the rows hold what the plan says they must."""

from __future__ import annotations

from migrator.cli.carry_out import watched
from migrator.cli.command import Group, command
from migrator.cli.invocation import Invocation
from migrator.cli.options import PlanArgument

DIFFERS = 1


@command(Group.ASK, 3, examples=("migrator verify product-tags", "migrator verify product-tags --format json"))
def verify(invocation: Invocation, plan: PlanArgument) -> int:
    """Check the rows that PLAN's verify steps are about.

    Returns 1 if rows differ, and shows keys of some of them. Nothing is changed, whatever the result.
    """
    with invocation.on_plan(plan) as (target, loaded):
        from migrator.engine.verify import verify as ask  # noqa: PLC0415 - takes over a second to import
        from migrator.view import verify as view  # noqa: PLC0415 - as above

        answer = watched(invocation, lambda emit, stop: ask(target, loaded, emit=emit, stop=stop))
    invocation.answer(view, answer)
    return DIFFERS if any(report.differing for report in answer) else 0
