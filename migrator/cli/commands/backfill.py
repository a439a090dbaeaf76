"""Responsible for ``migrator backfill``: only the backfill steps of a plan."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from migrator.cli.carry_out import carry_out
from migrator.cli.command import Group, command
from migrator.cli.errors import CommandLineError
from migrator.cli.invocation import Invocation
from migrator.cli.options import DriftOption, PlanArgument

if TYPE_CHECKING:  # the engine takes over a second to import
    from migrator.engine.events import Emit
    from migrator.engine.stop import Stop
    from migrator.engine.target import Target
    from migrator.plan import Plan


@command(
    Group.RUN,
    3,
    examples=("migrator backfill product-tags --workers 4", "migrator backfill product-tags --retry-failed"),
)
def backfill(
    invocation: Invocation,
    plan: PlanArgument,
    *,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            metavar="N",
            min=1,
            max=64,
            help="Connections that fill at once.",
            show_default="as the plan says",
        ),
    ] = None,
    engine: Annotated[
        Literal["local", "celery"], typer.Option("--engine", help="Where the workers are: here, or in Celery.")
    ] = "local",
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Take up the rows that the database refused, and nothing else.")
    ] = False,
    accept_drift: DriftOption = False,
) -> int:
    """Run only the backfill steps of PLAN, or go on with them.

    What comes before them must be done. Ctrl-C finishes the chunk; the same command goes on behind it.
    """
    if engine == "celery" and find_spec("celery") is None:
        raise CommandLineError("Celery is not installed", help="pip install 'migrator[celery]'")

    def work(target: Target, loaded: Plan, emit: Emit, stop: Stop) -> str:
        from migrator.engine import run  # noqa: PLC0415 - see above

        if retry_failed:
            return run.retry_failed(target, loaded, emit=emit, stop=stop)
        return run.backfill(
            target, loaded, emit=emit, stop=stop, workers=workers, engine=engine, accept_drift=accept_drift
        )

    return carry_out(invocation, plan, work)
