"""Responsible for ``migrator pause``: a run that stands still and keeps what it holds."""

from __future__ import annotations

from migrator.cli.command import Group, command
from migrator.cli.invocation import Invocation
from migrator.cli.options import PlanArgument


@command(Group.RUN, 7, examples=("migrator pause product-tags", "migrator pause product-tags --format json"))
def pause(invocation: Invocation, plan: PlanArgument) -> int:
    """Let the run of PLAN stand still before its next chunk or step.

    It keeps the database and says that it is paused. The pause is remembered: a run begun anew waits, too.
    """
    with invocation.on_plan(plan) as (target, loaded):
        from migrator.engine import control  # noqa: PLC0415 - takes over a second to import
        from migrator.view import control as view  # noqa: PLC0415 - as above

        control.pause(target, loaded)
    invocation.answer(view, view.Controlled(loaded.plan, "paused", "it stands still before its next chunk or step"))
    return 0
