"""Responsible for what the commands that walk a plan have in common: progress, signals, the last line."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeVar

from migrator.cli.errors import CommandLineError
from migrator.cli.invocation import Invocation
from migrator.cli.signals import stopping
from migrator.errors import Interrupted, Location

if TYPE_CHECKING:  # the engine imports SQLAlchemy, Alembic and the driver, which take over a second
    from migrator.engine.events import Emit, Event, StepRef
    from migrator.engine.stop import Stop
    from migrator.engine.target import Target
    from migrator.plan import Plan

T = TypeVar("T")


def carry_out(
    invocation: Invocation,
    name: str,
    work: Callable[[Target, Plan, Emit, Stop], str],
    *,
    before: Callable[[Target, Plan], None] | None = None,
) -> int:
    """Run `work` on the plan called `name`, show what happens, and say at the end where the plan stands.

    Args:
        work: returns the state in which the run came to rest.
        before: asks what must be asked before anything is shown or changed.

    Raises:
        GateClosedError: the run stands before a gate.
        Interrupted: a signal stopped it.
    """
    with invocation.on_plan(name) as (target, plan):
        if before:
            before(target, plan)
        again = partial(_again, invocation, target, plan)
        watched(invocation, lambda emit, stop: _to_rest(again, plan, partial(work, target, plan), emit, stop))
        close(invocation, target, plan)
    return 0


def watched(invocation: Invocation, work: Callable[[Emit, Stop], T]) -> T:
    """Return what `work` returns, showing its events and passing on signals while it runs."""
    from migrator.engine.stop import Stop  # noqa: PLC0415 - see above

    stop = Stop()
    listening = True
    with _measured(invocation) as count, invocation.format.progress(invocation.streams) as show, stopping(stop):

        def emit(event: Event) -> None:
            nonlocal listening
            count(event)
            try:
                if listening:
                    show(event)
            except BrokenPipeError:
                # Whoever read the progress is gone: come to rest at the next checkpoint, as after a signal.
                listening = False
                stop.signal = signal.SIGPIPE
                stop.request()

        return work(emit, stop)


@contextmanager
def _measured(invocation: Invocation) -> Iterator[Callable[[Event], None]]:
    """Publish the numbers of what happens, where the settings ask for it."""
    where = invocation.settings().metrics
    if where is None:
        yield lambda _: None
        return
    if find_spec("prometheus_client") is None:
        raise CommandLineError("metrics need a package that is not installed", help="pip install 'migrator[metrics]'")
    from migrator.view.openmetrics import published  # noqa: PLC0415 - an extra, for those who use it

    with published(where) as count:
        yield count


def close(invocation: Invocation, target: Target, plan: Plan) -> None:
    """Write where `plan` stands now and which command comes next."""
    from migrator.engine.status import status  # noqa: PLC0415 - see above
    from migrator.view import closing  # noqa: PLC0415 - see above

    invocation.answer(closing, status(target, [plan]).runs[0])


def _again(invocation: Invocation, target: Target, plan: Plan) -> str:
    """Return the command that goes on: a rollback to the phase that it was told to keep."""
    from migrator.engine.status import status  # noqa: PLC0415 - see above

    if invocation.command == "rollback":
        return status(target, [plan]).runs[0].next_command
    return f"migrator {invocation.command} {plan.plan}"


def _to_rest(again: Callable[[], str], plan: Plan, work: Callable[[Emit, Stop], str], emit: Emit, stop: Stop) -> None:
    from migrator.engine.events import GateReached  # noqa: PLC0415 - see above
    from migrator.engine.steps.gate import GateClosedError  # noqa: PLC0415 - see above

    gates: list[GateReached] = []

    def listen(event: Event) -> None:
        if isinstance(event, GateReached):
            gates.append(event)
        emit(event)

    state = work(listen, stop)
    if state == "stopped":
        raise Interrupted("stopped at a clean checkpoint", signal=stop.signal, help=f"to go on: {again()}")
    if state == "waiting":
        gate = gates[-1]
        raise GateClosedError(
            f"{gate.plan} stands at a gate: {gate.gate}",
            where=_place(plan, gate.step),
            notes=[*gate.notes, "everything before the gate is done"],
            help=f"once that is true: migrator approve {gate.plan}",
        )


def _place(plan: Plan, at: StepRef | None) -> Location | None:
    places = {(str(phase), index): step.location for phase, index, step in plan.steps()}
    return places.get((at.phase, at.index)) if at else None
