"""Runs the verify steps of a plan whenever somebody asks, whatever its run has come to. Changes nothing."""

from __future__ import annotations

import time

from migrator.engine.events import Emit
from migrator.engine.refs import refs
from migrator.engine.reports import VerifyReport
from migrator.engine.session import Session
from migrator.engine.steps.verify import look
from migrator.engine.stop import Stop
from migrator.engine.target import Target
from migrator.plan import Plan
from migrator.plan.steps.verify import Verify


def verify(target: Target, plan: Plan, *, emit: Emit, stop: Stop) -> list[VerifyReport]:
    """Return what each verify step of `plan` finds now."""
    session = Session(target, plan, emit, stop)  # not entered: looking needs no lock
    reports = []
    for ref, step in refs(plan):
        if isinstance(step, Verify):
            started = time.monotonic()
            checked = look(session, step)
            found = checked.verified
            reports.append(
                VerifyReport(
                    plan.plan,
                    f"{ref.phase}, {ref.title}",
                    checked.table,
                    found.rows,
                    found.differing,
                    found.examples,
                    time.monotonic() - started,
                )
            )
    return reports
