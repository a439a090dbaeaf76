"""Responsible for ``migrator apply``: running a plan, or going on where it stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from migrator.cli.carry_out import carry_out
from migrator.cli.command import Group, command
from migrator.cli.confirm import confirm
from migrator.cli.invocation import Invocation
from migrator.cli.options import DriftOption, PhaseName, PlanArgument, YesOption, read_duration

if TYPE_CHECKING:  # the engine takes over a second to import
    from migrator.engine.events import Emit
    from migrator.engine.stop import Stop
    from migrator.engine.target import Target
    from migrator.plan import Phase, Plan


@command(
    Group.RUN,
    2,
    examples=("migrator apply product-tags --to migrate", "migrator apply product-tags --to migrate --wait-gate 30m"),
)
def apply(
    invocation: Invocation,
    plan: PlanArgument,
    *,
    to: Annotated[PhaseName | None, typer.Option(help="Stop after this phase.", show_default=False)] = None,
    wait_gate: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="Wait at gates for so long, all in all.", show_default=False),
    ] = None,
    accept_drift: DriftOption = False,
    yes: YesOption = False,
) -> int:
    """Run PLAN, or go on where it stopped.

    The run stops at a gate until it opens, with exit code 3; `--wait-gate` asks again and again before it gives up.
    Ctrl-C finishes the chunk and stops; a second one cancels the chunk. The same command goes on from there. On a
    terminal it asks before a step that cannot be undone.
    """
    from migrator.plan import Phase  # noqa: PLC0415 - pydantic takes longer to import than `--help` in all

    phase = Phase(to) if to else None
    wait = read_duration("--wait-gate", wait_gate, "migrator apply PLAN --wait-gate 30m") if wait_gate else 0.0

    def ask(target: Target, loaded: Plan) -> None:
        if lost := _irreversible(target, loaded, phase or Phase.CONTRACT):
            steps = "".join(f"\n  {step}" for step in lost)
            confirm(f"this cannot be undone:{steps}\ngo on with {loaded.plan}?", invocation.streams)

    def work(target: Target, loaded: Plan, emit: Emit, stop: Stop) -> str:
        from migrator.engine import waiting  # noqa: PLC0415 - see above

        return waiting.apply(target, loaded, to=phase, wait=wait, emit=emit, stop=stop, accept_drift=accept_drift)

    asks = invocation.streams.interactive and not yes
    return carry_out(invocation, plan, work, before=ask if asks else None)


def _irreversible(target: Target, plan: Plan, to: Phase) -> list[str]:
    """Return the steps up to and with the phase `to` that are still to do and that the plan calls irreversible."""
    from migrator.engine.status import status  # noqa: PLC0415 - see above

    phases = list(type(to))
    done = {(step.phase, step.index) for step in status(target, [plan]).runs[0].steps if step.state == "done"}
    return [
        f"{phase} {index}: {step.title()}: {reason}"
        for phase, index, step in plan.steps()
        if (reason := getattr(step, "irreversible", None))
        and (phase, index) not in done
        and phases.index(phase) <= phases.index(to)
    ]
