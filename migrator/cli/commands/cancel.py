"""Responsible for ``migrator cancel``: a run that stops at its next checkpoint."""

from __future__ import annotations

from migrator.cli.command import Group, command
from migrator.cli.invocation import Invocation
from migrator.cli.options import PlanArgument


@command(Group.RUN, 9, examples=("migrator cancel product-tags", "migrator cancel product-tags --format json"))
def cancel(invocation: Invocation, plan: PlanArgument) -> int:
    """Stop the run of PLAN at its next checkpoint, as Ctrl-C at its terminal does.

    What is committed stays, and the same command goes on behind it.
    """
    with invocation.on_plan(plan) as (target, loaded):
        from migrator.engine import control  # noqa: PLC0415 - takes over a second to import
        from migrator.view import control as view  # noqa: PLC0415 - as above

        control.cancel(target, loaded)
    invocation.answer(view, view.Controlled(loaded.plan, "cancelled", "it stops behind its present chunk"))
    return 0
