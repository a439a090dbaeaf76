"""Looks for what endangers a migration, each thing with the command that mends it. Changes nothing."""

from __future__ import annotations

import psycopg

from migrator.engine.purge import archives
from migrator.engine.reports import Ailment, DoctorReport
from migrator.engine.target import Target
from migrator.ledger.lock import PoolerError, refuse_pooler
from migrator.postgres.queries import named

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
    return DoctorReport(
        target.shown, target.server_version, tuple(found), tuple(unseen), tuple(archives(target, None, 0))
    )


def _pooler(target: Target) -> list[Ailment]:
    try:
        refuse_pooler(target.asking)
    except PoolerError as error:
        return [Ailment("pooler", target.shown, error.message, error.help)]
    return []
