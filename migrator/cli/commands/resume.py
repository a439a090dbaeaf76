"""Responsible for ``migrator resume``: a paused run goes on."""

from __future__ import annotations

from migrator.cli.command import Group, command
from migrator.cli.invocation import Invocation
from migrator.cli.options import PlanArgument


@command(Group.RUN, 8, examples=("migrator resume product-tags", "migrator resume product-tags --format json"))
def resume(invocation: Invocation, plan: PlanArgument) -> int:
    """Let the run of PLAN go on that was paused.

    Only what stands still is concerned: a run that was stopped goes on with `migrator apply`.
    """
    with invocation.on_plan(plan) as (target, loaded):
        from migrator.engine import control  # noqa: PLC0415 - takes over a second to import
        from migrator.view import control as view  # noqa: PLC0415 - as above

        control.resume(target, loaded)
    invocation.answer(view, view.Controlled(loaded.plan, "resumed", "it goes on within a second"))
    return 0
