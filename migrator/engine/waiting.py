"""Waits at gates for as long as a pipeline can wait: asks the ledger and the server again, and goes on when one opens.

The database is not held meanwhile: other plans may run, and a killed pipeline leaves nothing.
"""

from __future__ import annotations

import time

from migrator.engine import run
from migrator.engine.events import Emit, GateWaiting
from migrator.engine.evidence import examine
from migrator.engine.refs import refs
from migrator.engine.stop import Stop
from migrator.engine.target import Target
from migrator.plan import Phase, Plan
from migrator.plan.steps.gate import Evidence, Gate

LOOK = 2.0  # seconds between two questions whether somebody has approved
EXAMINE = 10.0  # seconds between two looks at what the server shows
TELL = 30.0  # seconds between two signs of life


def apply(
    target: Target, plan: Plan, *, to: Phase | None, wait: float, emit: Emit, stop: Stop, accept_drift: bool = False
) -> str:
    """Run `plan` as `run.apply` does, waiting at its gates for `wait` seconds in all; return where it came to rest.

    Raises:
        Interrupted, and as `run.apply`.
    """
    while True:
        state = run.apply(target, plan, to=to, emit=emit, stop=stop, accept_drift=accept_drift)
        began = time.monotonic()
        if state != "waiting" or not _opens(target, plan, began + wait, emit, stop):
            return state
        wait -= time.monotonic() - began


def _opens(target: Target, plan: Plan, deadline: float, emit: Emit, stop: Stop) -> bool:
    """Wait for the gate that the run of `plan` stands before; return whether it opens in time."""
    found = target.ledger.open_run(plan.plan)
    assert found
    placed = zip(target.ledger.steps(found.id), refs(plan), strict=True)
    row, ref, step = next((row, ref, step) for row, (ref, step) in placed if row.state != "done")
    assert isinstance(step, Gate)
    notes: tuple[str, ...] = ()
    told, examined = float("-inf"), time.monotonic()  # the run itself has just looked
    while (left := deadline - time.monotonic()) > 0:
        if target.ledger.approval(row.id):
            return True
        before = notes
        if isinstance(step.gate, Evidence) and time.monotonic() - examined >= EXAMINE:
            seen = examine(target.asking, plan, step, row)
            if seen.open:
                return True
            notes, examined = seen.notes, time.monotonic()
        if time.monotonic() - told >= TELL or {*notes} - {*before}:
            emit(GateWaiting(step=ref, plan=plan.plan, gate=step.words, notes=notes, remaining=left))
            told = time.monotonic()
        stop.sleep(min(LOOK, left))
    return False
