"""Control of a run from another terminal: pause, resume, cancel, and settings that hold from the next chunk on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from migrator.durations import parse_duration
from migrator.engine.target import Target
from migrator.errors import RefusedError, UsageError
from migrator.ledger.controls import Controls
from migrator.ledger.ledger import Run
from migrator.ledger.lock import holder
from migrator.plan import Plan
from migrator.plan.steps.backfill import MAX_WORKERS
from migrator.spelling import suggestion

MOST_NICE = 100


class NoRunError(RefusedError):
    """The plan has no run that could be controlled: it was never begun, is complete, or was rolled back.

    `migrator status` shows where the plans stand.
    """

    code = "MG338"


class BadControlError(UsageError):
    """`migrator set` was given something that cannot be set.

    It takes `name=value` for chunk_target (a duration such as 200ms), workers (1 to 64) and nice (how long a worker
    rests after each chunk, as a multiple of the time that the chunk took; 0 is not at all).
    """

    code = "MG168"


def pause(target: Target, plan: Plan) -> None:
    """Let the run of `plan` stand still before its next chunk or step; it keeps the database and its slices.

    Raises:
        NoRunError
    """
    run, controls = _open(target, plan)
    controls.pause(target.ledger.by)
    target.ledger.event(run.id, None, "paused", {})


def resume(target: Target, plan: Plan) -> None:
    """Let the run of `plan` go on.

    Raises:
        NoRunError
    """
    run, controls = _open(target, plan)
    controls.resume()
    target.ledger.event(run.id, None, "resumed", {})


def cancel(target: Target, plan: Plan) -> None:
    """Stop the run of `plan` at its next checkpoint, as Ctrl-C at its terminal does.

    Raises:
        NoRunError: no process works on it.
    """
    run, controls = _open(target, plan)
    owner = holder(target.asking)
    if owner is None or f" {plan.plan} " not in f"{owner.application} ":
        raise NoRunError(f"nobody works on {plan.plan} now", help=f"see where it stands: migrator status {plan.plan}")
    controls.cancel(target.ledger.by)
    target.ledger.event(run.id, None, "cancelled", {})


def change(target: Target, plan: Plan, settings: Mapping[str, Any]) -> None:
    """Set `settings` for the backfills of the run of `plan`.

    Raises:
        NoRunError
    """
    run, controls = _open(target, plan)
    controls.set(dict(settings))
    target.ledger.event(run.id, None, "set", dict(settings))


def read_settings(assignments: Iterable[str]) -> dict[str, Any]:
    """Return what ``name=value`` texts set.

    Raises:
        BadControlError
    """
    found: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if name not in _READERS or not equals:
            advice = suggestion(name, _READERS, "settings") or "write name=value"
            raise BadControlError(f"{assignment} cannot be set", help=advice)
        try:
            found[name] = _READERS[name](value)
        except ValueError as error:
            raise BadControlError(f"{name} {error}", help="such as: chunk_target=200ms workers=4 nice=1") from error
    return found


def _open(target: Target, plan: Plan) -> tuple[Run, Controls]:
    run = target.ledger.open_run(plan.plan) if target.has_ledger else None
    if run is None or run.state == "complete":
        state = "is complete" if run else "has no run"
        raise NoRunError(f"{plan.plan} {state}", help=f"see where it stands: migrator status {plan.plan}")
    return run, Controls(target.asking, run.id)


def _workers(text: str) -> int:
    if not re.fullmatch("[0-9]{1,3}", text) or not 1 <= int(text) <= MAX_WORKERS:
        raise ValueError(f"must be a whole number from 1 to {MAX_WORKERS}, not {text}")
    return int(text)


def _nice(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3})?", text) or float(text) > MOST_NICE:
        raise ValueError(f"must be a number from 0 to {MOST_NICE}, not {text}")
    return float(text)


def _seconds(text: str) -> float:
    seconds = parse_duration(text).total_seconds()
    if not seconds:
        raise ValueError("must be longer than 0")
    return seconds


_READERS: dict[str, Callable[[str], Any]] = {"chunk_target": _seconds, "workers": _workers, "nice": _nice}
