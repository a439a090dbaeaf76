"""Responsible for ``migrator status``: where the plans of the project stand."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Annotated

import typer

from migrator.cli.command import Group, command
from migrator.cli.invocation import Invocation
from migrator.cli.options import OptionalPlanArgument

WATCH_INTERVAL = 1.0  # seconds
FAILED, PENDING = 1, 3
_CLEAR = "\x1b[H\x1b[2J"


@command(Group.ASK, 1, examples=("migrator status product-tags --exit-code", "migrator status product-tags --watch"))
def status(
    invocation: Invocation,
    plan: OptionalPlanArgument = None,
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Again each second, until nothing runs or Ctrl-C.")] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Return 0 if all is complete, 1 if a run has failed, 3 otherwise.")
    ] = False,
) -> int:
    """Show where every plan stands, or PLAN with its steps.

    Nothing is changed, and a run that is under way is not disturbed. With `--exit-code`: 0 where every plan that is
    shown is complete, 1 where the run of one has failed, 3 where there is something to do, to wait for, or under way.
    """
    settings = invocation.settings()
    plans = invocation.plans(plan, settings)
    with invocation.target(settings) as target:
        from migrator.engine.status import status as ask  # noqa: PLC0415 - takes over a second to import
        from migrator.view import status as view  # noqa: PLC0415 - as above

        answer, shown = ask(target, plans), None
        with suppress(KeyboardInterrupt):  # the way to end it
            while watch and any(run.state == "running" for run in answer.runs):
                if answer != shown:
                    if invocation.streams.out.isatty():
                        invocation.streams.out.write(_CLEAR)
                    invocation.answer(view, answer)
                shown = answer
                time.sleep(WATCH_INTERVAL)
                answer = ask(target, plans)
    invocation.answer(view, answer)
    states = {run.state for run in answer.runs}
    if not exit_code or (states <= {"complete"} and not answer.half_applied):
        return 0
    return FAILED if "failed" in states else PENDING
