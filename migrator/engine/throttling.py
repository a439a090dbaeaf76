"""What a backfill step waits for: the signals of its plan, and of the settings where the plan does not name them."""

from __future__ import annotations

from pydantic import ValidationError

from migrator.backfill.throttle import signal
from migrator.backfill.throttle.signal import Scene
from migrator.backfill.throttle.throttle import Throttle
from migrator.engine.session import Session
from migrator.ledger.ledger import StepRow
from migrator.plan.throttle import Throttle as Limits
from migrator.postgres.queries import query
from migrator.postgres.tables import Table
from migrator.settings import BadSettingError, UnknownSettingError
from migrator.spelling import suggestion

ELSEWHERE = frozenset({"nice"})  # what the workers themselves keep to


def limits_of(session: Session, own: Limits | None) -> Limits:
    """Return what a step says by its `own` limits, and the settings where it says nothing.

    Raises:
        SettingsError: the settings do not make sense.
    """
    defaults = session.target.settings.throttle
    for key in defaults:
        if key not in Limits.model_fields:
            advice = suggestion(key, Limits.model_fields, "keys")
            raise UnknownSettingError(f"unknown setting throttle.{key}", notes=[_origin(session)], help=advice)
    try:
        limits = Limits.model_validate(defaults)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(map(str, first["loc"]))
        message = str(first.get("ctx", {}).get("error", first["msg"]))
        raise BadSettingError(f"throttle.{name} {message}", notes=[_origin(session)]) from error
    if own is None:
        return limits
    return limits.model_copy(update={key: getattr(own, key) for key in own.model_fields_set})


def throttled(session: Session, limits: Limits, row: StepRow | None, table: Table) -> Throttle:
    """Return the throttle of a step, to be entered as a context manager."""
    scene = Scene(
        table=table,
        own_pids=lambda: session.own_pids,
        connect=lambda: session.target.connect("throttle"),
        size_before=lambda: _size_before(session, row, table),
    )
    wanted = {key: getattr(limits, key) for key in Limits.model_fields if key not in ELSEWHERE}
    signals = [signal(key, limit, scene) for key, limit in wanted.items() if limit is not None]
    return Throttle(signals, scene.connect)


def _size_before(session: Session, row: StepRow | None, table: Table) -> int:
    asking = session.target.asking
    if row and (noted := asking.execute(query("size_noted"), {"step": row.id}).fetchone()):
        return int(noted[0])
    found = asking.execute(query("table_size"), {"oid": table.oid}).fetchone()
    assert found
    if session.run and row:
        session.ledger.event(session.run.id, row.id, "size-before", {"bytes": int(found[0])})
    return int(found[0])


def _origin(session: Session) -> str:
    return f"it comes from {session.target.settings.origin('throttle')}"
