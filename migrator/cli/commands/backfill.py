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
    examples=(
        "migrator backfill product-tags --dry-run --sample 1000",
        "migrator backfill product-tags --workers 4",
    ),
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
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Try it on some rows, show what comes of it, and change nothing.")
    ] = False,
    sample: Annotated[
        int, typer.Option("--sample", metavar="N", min=1, max=100_000, help="Rows that --dry-run tries.")
    ] = 1000,
    accept_drift: DriftOption = False,
) -> int:
    """Run only the backfill steps of PLAN, or go on with them.

    What comes before them must be done. Ctrl-C finishes the chunk; the same command goes on behind it.
    """
    if engine == "celery" and find_spec("celery") is None:
        raise CommandLineError("Celery is not installed", help="pip install 'migrator[celery]'")

    if dry_run:
        return _preview(invocation, plan, sample)

    def work(target: Target, loaded: Plan, emit: Emit, stop: Stop) -> str:
        from migrator.engine import run  # noqa: PLC0415 - see above

        if retry_failed:
            return run.retry_failed(target, loaded, emit=emit, stop=stop)
        return run.backfill(
            target, loaded, emit=emit, stop=stop, workers=workers, engine=engine, accept_drift=accept_drift
        )

    return carry_out(invocation, plan, work)


def _preview(invocation: Invocation, name: str, sample: int) -> int:
    """Show what the backfills would do; 1 where the database refused a row."""
    from migrator.engine.preview import preview  # noqa: PLC0415 - see above
    from migrator.view import preview as view  # noqa: PLC0415 - see above

    with invocation.on_plan(name) as (target, plan):
        report = preview(target, plan, sample)
        invocation.answer(view, report)
    return int(any(step.refused for step in report.steps))
