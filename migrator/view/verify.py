"""Responsible for how the answer of ``migrator verify`` looks; not for comparing rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from migrator.engine.reports import VerifyReport
from migrator.postgres.blockers import duration
from migrator.view.ink import Ink


def document(reports: Sequence[VerifyReport]) -> dict[str, Any]:
    """Return the reports as a JSON-able mapping."""
    return {"version": 1, "results": [asdict(report) for report in reports]}


def text(reports: Sequence[VerifyReport], ink: Ink) -> str:
    """Return one line per verify step, with keys to look at where rows differ."""
    if not reports:
        return "the plan has no verify step"
    return "\n".join(_line(report, ink) for report in reports)


def _line(report: VerifyReport, ink: Ink) -> str:
    if not report.differing:
        verdict = ink.good("no row differs")
    else:
        examples = f", for example {'; '.join(report.examples)}" if report.examples else ""
        verdict = f"{ink.bad(f'{report.differing:,} differ')}{examples}"
    return (
        f"{report.plan}: {report.step}: {report.rows:,} rows of {report.table} in {duration(report.seconds)}, {verdict}"
    )
