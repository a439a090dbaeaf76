"""Responsible for ``migrator verify``: do the rows hold what the plan says they must."""

from __future__ import annotations

from typing import Annotated

import typer

from migrator.cli.carry_out import watched
from migrator.cli.command import Group, command
from migrator.cli.invocation import Invocation
from migrator.cli.options import PlanArgument

DIFFERS = 1


@command(Group.ASK, 3, examples=("migrator verify product-tags", "migrator verify product-tags --repair"))
def verify(
    invocation: Invocation,
    plan: PlanArgument,
    *,
    repair: Annotated[
        bool, typer.Option("--repair", help="Put right what is wrong, in chunks as a backfill does, and look again.")
    ] = False,
) -> int:
    """Check the rows that PLAN's verify steps are about.

    Returns 1 if rows differ, and shows keys of some of them. Nothing is changed unless --repair is given: then rows
    that are wrong get what `same` says, or what the plan's backfill of that table says.
    """
    with invocation.on_plan(plan) as (target, loaded):
        from migrator.engine.repair import repair as mend  # noqa: PLC0415 - takes over a second to import
        from migrator.engine.verify import verify as ask  # noqa: PLC0415 - as above
        from migrator.view import verify as view  # noqa: PLC0415 - as above

        if repair:
            watched(invocation, lambda emit, stop: mend(target, loaded, emit=emit, stop=stop))
        answer = watched(invocation, lambda emit, stop: ask(target, loaded, emit=emit, stop=stop))
    invocation.answer(view, answer)
    return DIFFERS if any(report.differing for report in answer) else 0
