"""Looks for what endangers a migration, each thing with the command that mends it. Changes nothing."""

from __future__ import annotations

import psycopg

from migrator.engine.drift import differing
from migrator.engine.purge import archives
from migrator.engine.reports import Ailment, DoctorReport
from migrator.engine.target import Target
from migrator.ledger.lock import PoolerError, refuse_pooler
from migrator.postgres.queries import named, query

NEEDS_LEDGER = "ledger_"


def examine(target: Target) -> DoctorReport:
    """Return everything that is wrong now, in the order of the checks."""
    found = _pooler(target)
    unseen = []
    for check, statement in named("doctor.sql").items():
        if check.startswith(NEEDS_LEDGER) and not target.has_ledger:
            continue
        name = check.removeprefix(NEEDS_LEDGER).replace("_", " ")
        try:
            found += [Ailment(name, *row) for row in target.asking.execute(statement).fetchall()]
        except psycopg.errors.InsufficientPrivilege:
            unseen.append(name)
    found += _drifted(target)
    return DoctorReport(
        target.shown, target.server_version, tuple(found), tuple(unseen), tuple(archives(target, None, 0))
    )


def half_applied(target: Target) -> tuple[Ailment, ...]:
    """Return the revisions that are committed only in part; the database has a ledger."""
    check = "half_applied_revisions"
    rows = target.asking.execute(named("doctor.sql")[NEEDS_LEDGER + check]).fetchall()
    return tuple(Ailment(check.replace("_", " "), *row) for row in rows)


def _drifted(target: Target) -> list[Ailment]:
    """Return what somebody else has changed under the runs that are under way."""
    if not target.is_current:
        return []
    mend = "take it back, or: migrator apply {} --accept-drift"
    return [
        Ailment("drift", one.relation, f"{one.of_it}, since plan {plan} left it", mend.format(plan))
        for run, plan in target.asking.execute(query("runs_under_way")).fetchall()
        for one in differing(target, run)
    ]


def _pooler(target: Target) -> list[Ailment]:
    try:
        refuse_pooler(target.asking)
    except PoolerError as error:
        return [Ailment("pooler", target.shown, error.message, error.help)]
    return []
