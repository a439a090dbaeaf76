"""Responsible for ``migrator plan``: what a plan would do, before anything is done."""

from __future__ import annotations

from typing import Annotated

import typer

from migrator.cli.command import Group, command
from migrator.cli.invocation import Invocation
from migrator.cli.options import PlanArgument

PENDING = 3


@command(
    Group.RUN, 1, examples=("migrator plan product-tags", "migrator plan plans/0002_product_tags.yaml --format json")
)
def plan(
    invocation: Invocation,
    plan: PlanArgument,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Return 3 if steps are still to do.")] = False,
) -> int:
    """Show what PLAN would do: statements, locks, rows, time.

    Every statement is shown with the lock it takes, what that blocks, who would block it right now, and the online form
    that runs instead. Nothing is changed.
    """
    with invocation.on_plan(plan) as (target, loaded):
        from migrator.engine.plan_report import report  # noqa: PLC0415 - takes over a second to import
        from migrator.view import plan as view  # noqa: PLC0415 - as above

        answer = report(target, loaded)
    invocation.answer(view, answer)
    return PENDING if exit_code and answer.pending else 0
