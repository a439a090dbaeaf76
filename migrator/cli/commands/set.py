"""Responsible for ``migrator set``: how fast a backfill goes, while it runs."""

from __future__ import annotations

from typing import Annotated

import typer

from migrator.cli.command import Group, command
from migrator.cli.invocation import Invocation
from migrator.cli.options import PlanArgument


@command(
    Group.RUN,
    10,
    examples=("migrator set product-tags workers=4", "migrator set product-tags chunk_target=200ms nice=1"),
)
def set(  # noqa: A001 - the word users type
    invocation: Invocation,
    plan: PlanArgument,
    settings: Annotated[list[str], typer.Argument(metavar="NAME=VALUE", help="chunk_target, workers or nice.")],
) -> int:
    """Change how the backfills of PLAN go, from the next chunk on and for the rest of its run.

    chunk_target is how long a chunk should take, workers how many connections fill at once, nice how long each rests
    after a chunk, as a multiple of the time that the chunk took.
    """
    from migrator.engine import control  # noqa: PLC0415 - takes over a second to import
    from migrator.view import control as view  # noqa: PLC0415 - as above

    wanted = control.read_settings(settings)
    with invocation.on_plan(plan) as (target, loaded):
        control.change(target, loaded, wanted)
    shown = ", ".join(settings)
    invocation.answer(view, view.Controlled(loaded.plan, shown, "it holds from the next chunk on"))
    return 0
