"""Responsible for ``migrator history``: what was done, when and by whom."""

from __future__ import annotations

from typing import Annotated

import typer

from migrator.cli.command import Group, command
from migrator.cli.invocation import Invocation
from migrator.cli.options import OptionalPlanArgument


@command(Group.ASK, 2, examples=("migrator history", "migrator history product-tags --limit 20"))
def history(
    invocation: Invocation,
    plan: OptionalPlanArgument = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="Show at most this many events.")] = 100,
) -> int:
    """Show what was done on the database, by whom and when.

    The events come from the ledger, of all plans or of PLAN.
    """
    settings = invocation.settings()
    name = invocation.plan(plan, settings).plan if plan else None
    with invocation.target(settings) as target:
        from migrator.engine.status import history as ask  # noqa: PLC0415 - takes over a second to import
        from migrator.view import history as view  # noqa: PLC0415 - as above

        answer = ask(target, name, limit)
    invocation.answer(view, answer)
    return 0
