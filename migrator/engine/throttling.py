"""What a backfill step waits for: the signals of its plan, and of the settings where the plan does not name them."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from migrator.backfill.throttle import signal
from migrator.backfill.throttle.signal import Scene
from migrator.backfill.throttle.throttle import Throttle
from migrator.engine.session import Session
from migrator.ledger.ledger import StepRow
from migrator.plan.throttle import Throttle as Limits
from migrator.postgres.queries import query
from migrator.postgres.tables import Table
from migrator.settings import BadSettingError, Settings, SettingsError, UnknownSettingError
from migrator.spelling import suggestion

ELSEWHERE = frozenset({"nice"})  # what the workers themselves keep to


def limits_of(session: Session, own: Limits | None) -> Limits:
    """Return what a step says by its `own` limits, and the settings where it says nothing.

    Raises:
        SettingsError: the settings do not make sense.
    """
    if bad := list(bad_throttle(session.target.settings)):
        raise bad[0]
    limits = Limits.model_validate(session.target.settings.throttle)
    if own is None:
        return limits
    return limits.model_copy(update={key: getattr(own, key) for key in own.model_fields_set})


def bad_throttle(settings: Settings) -> Iterator[SettingsError]:
    """Yield what is wrong with the setting `throttle`, each with its line where it comes from a file."""
    origin = [f"it comes from {settings.origin('throttle')}"]
    for key in settings.throttle:
        if key not in Limits.model_fields:
            yield UnknownSettingError(
                f"unknown setting throttle.{key}",
                where=settings.place("throttle", key),
                notes=origin,
                help=suggestion(key, Limits.model_fields, "keys"),
            )
    try:
        Limits.model_validate({key: value for key, value in settings.throttle.items() if key in Limits.model_fields})
    except ValidationError as invalid:
        for found in invalid.errors(include_url=False):
            name = ".".join(map(str, found["loc"]))
            message = str(found.get("ctx", {}).get("error", found["msg"]))
            where = settings.place("throttle", str(found["loc"][0])) if found["loc"] else settings.place("throttle")
            yield BadSettingError(f"throttle.{name} {message}", where=where, notes=origin)


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
