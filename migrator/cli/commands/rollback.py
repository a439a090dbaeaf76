"""Responsible for ``migrator rollback``: undoing the steps of a plan in reverse order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from migrator.cli.carry_out import carry_out
from migrator.cli.command import Group, command
from migrator.cli.confirm import confirm
from migrator.cli.errors import ConfirmationNeededError
from migrator.cli.invocation import Invocation
from migrator.cli.options import DriftOption, PlanArgument, YesOption

if TYPE_CHECKING:  # the engine takes over a second to import
    from migrator.engine.events import Emit
    from migrator.engine.stop import Stop
    from migrator.engine.target import Target
    from migrator.plan import Plan


@command(
    Group.RUN,
    5,
    examples=("migrator rollback product-tags --to migrate --dry-run", "migrator rollback product-tags --yes"),
)
def rollback(
    invocation: Invocation,
    plan: PlanArgument,
    *,
    to: Annotated[
        Literal["start", "expand", "migrate"],
        typer.Option(help="Keep this phase and those before it; start keeps none."),
    ] = "start",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be undone and what data is at stake; change nothing.")
    ] = False,
    accept_drift: DriftOption = False,
    yes: YesOption = False,
) -> int:
    """Undo PLAN in reverse order, from any point.

    Shows what it will undo, and asks. Off a terminal `--yes` is needed. Can be stopped and run again like `apply`.
    """
    if dry_run:
        with invocation.on_plan(plan) as (target, loaded):
            _show(invocation, target, loaded, to)
        return 0
    if not yes and not invocation.streams.interactive:
        raise ConfirmationNeededError(
            "rollback needs a confirmation, and there is no terminal to ask on",
            notes=["nothing was changed"],
            help=f"migrator rollback {plan} --to {to} --yes",
        )

    def ask(target: Target, loaded: Plan) -> None:
        _show(invocation, target, loaded, to)
        confirm(f"undo {loaded.plan} back to {to}?", invocation.streams)

    def work(target: Target, loaded: Plan, emit: Emit, stop: Stop) -> str:
        from migrator.engine import run  # noqa: PLC0415 - see above

        return run.rollback(target, loaded, to=to, emit=emit, stop=stop, accept_drift=accept_drift)

    return carry_out(invocation, plan, work, before=None if yes else ask)


def _show(invocation: Invocation, target: Target, plan: Plan, to: str) -> None:
    from migrator.engine.undoing import undoing  # noqa: PLC0415 - see above
    from migrator.view import undoing as view  # noqa: PLC0415 - see above

    invocation.answer(view, undoing(target, plan, to))
