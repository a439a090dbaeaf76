"""Responsible for how the answer of ``migrator check`` looks to a person and to a script; not for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from migrator.check.finding import Finding, Severity
from migrator.check.report import CheckReport
from migrator.errors import Location
from migrator.view import check_tools
from migrator.view.errors import place_lines
from migrator.view.ink import Ink
from migrator.view.printable import one_line

OTHERS = check_tools.FORMATS


def document(report: CheckReport) -> dict[str, Any]:
    """Return the report as a JSON-able mapping."""
    return {
        "version": 1,
        "findings": [_fields(one) for one in report.findings],
        "informed": [{**_fields(one), "note": one.note} for one in report.informed],
        "summary": {
            "errors": report.errors,
            "warnings": report.warnings,
            "informed": len(report.informed),
            "baseline": report.baseline,
            "checked": report.checked,
            "files": report.files,
        },
    }


def _fields(finding: Finding) -> dict[str, Any]:
    place = finding.place
    return {
        "rule": finding.rule,
        "severity": str(finding.severity),
        "hazard": str(finding.hazard),
        "path": place.path,
        "line": place.line or None,
        "column": place.column or None,
        "revision": place.revision,
        "direction": place.direction or None,
        "statement": finding.statement or None,
        "message": finding.message,
        "safer": finding.safer or None,
    }


def text(report: CheckReport, ink: Ink) -> str:
    """Return each finding with its line, the reason and the safer way; a summary last."""
    lines = [line for one in report.findings for line in (*_finding(one, ink), "")]
    if report.informed:
        lines += [ink.dim(f"{one.rule}: {_where(one)}: {one_line(one.note)}") for one in report.informed]
        lines.append("")
    return "\n".join([*lines, _summary(report, ink)])


def _where(finding: Finding) -> str:
    return f"{finding.place.path}:{finding.place.line}" if finding.place.line else finding.place.path


def _finding(finding: Finding, ink: Ink) -> list[str]:
    colour = ink.bad if finding.severity == Severity.ERROR else ink.warn
    place = finding.place
    context = f"revision {place.revision}, {place.direction}" if place.direction else ""
    lines = [f"{colour(f'{finding.severity}[{finding.rule}]:')} {ink.bold(one_line(finding.message))}"]
    if place.path:
        where = Location(Path(place.path), place.line, place.column, place.excerpt, context)
        lines += place_lines(where, ink)
    if place.direction and finding.statement:
        lines.append(f"   = sends: {one_line(finding.statement)}")
    if finding.safer:
        first, *rest = finding.safer.splitlines()
        lines.append(f"  {ink.good('safer:')} {first}")
        lines += [f"         {line}" for line in rest]
    lines.append(f"  more: migrator explain {finding.rule}")
    return lines


def _summary(report: CheckReport, ink: Ink) -> str:
    looked = f"{report.checked} statements in {report.files} files"
    beside = [f"{len(report.informed)} made safe or accepted"] if report.informed else []
    beside += [f"{report.baseline} in the baseline"] if report.baseline else []
    counts = f"{_number(report.errors, 'error')}, {_number(report.warnings, 'warning')}"
    colour = ink.bad if report.errors else ink.warn if report.warnings else ink.good
    return ", ".join([colour(counts), *beside, looked])


def _number(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
