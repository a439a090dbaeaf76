"""Responsible for how the answer of ``migrator plan`` looks; not for what a step will do."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from migrator.engine.reports import PlanReport, StatementReport, StepReport
from migrator.postgres.blockers import duration
from migrator.view.ink import Ink
from migrator.view.printable import one_line, padded, shown, width
from migrator.view.sentences import blocker_line

SYMBOLS = {"expand": "+", "migrate": "~", "contract": "-"}
TITLE_LIMIT = 48
"""Wider titles push what follows to the right instead of widening the column for all."""


def document(report: PlanReport) -> dict[str, Any]:
    """Return the report as a JSON-able mapping."""
    return report.to_json()


def text(report: PlanReport, ink: Ink) -> str:
    """Return what each step will do, what stands in the way, and what to type next."""
    lines = _head(report, ink)
    titles = [width(step.title) for step in report.steps if width(step.title) <= TITLE_LIMIT]
    phase = ""
    for step in report.steps:
        if step.phase != phase:
            phase = step.phase
            lines += ["", ink.bold(phase)]
        lines += _step(step, max(titles, default=0), ink)
    if report.problems:
        lines += [
            "",
            ink.bold("problems: apply would refuse"),
            *(f"  {ink.bad('!')} {each}" for each in report.problems),
        ]
    return "\n".join([*lines, "", *_foot(report)])


def _head(report: PlanReport, ink: Ink) -> list[str]:
    lines = [
        f"{ink.bold(f'plan {report.plan}')}{f': {one_line(report.summary)}' if report.summary else ''}",
        f"  file      {shown(report.path)}",
        f"  database  {report.database}, PostgreSQL {report.server_version}",
    ]
    return [*lines, f"  requires  {', '.join(report.requires)}"] if report.requires else lines


def _foot(report: PlanReport) -> list[str]:
    counts = f"{len(report.steps)} steps, {report.pending} to do"
    if not report.pending:
        return [f"{counts}. The plan is complete."]
    follow_up = "correct the problems above, then" if report.problems else "next:"
    return [f"{counts}. Nothing was changed.", f"{follow_up} migrator apply {report.plan}"]


def _step(step: StepReport, title_width: int, ink: Ink) -> list[str]:
    symbol = SYMBOLS.get(step.phase, "*")
    head = f"  {step.index} {symbol} {padded(step.title, title_width)}  {', '.join(_facts(step, ink))}"
    notes = [f"      note: {one_line(note)}" for note in step.notes]
    return [
        ink.dim(head) if step.state == "done" else head,
        *notes,
        *(line for statement in step.statements for line in _statement(statement, ink)),
    ]


def _facts(step: StepReport, ink: Ink) -> list[str]:
    facts = [step.state]
    if step.rows is not None:
        facts.append(f"{step.rows:,} rows")
    if step.estimate_seconds is not None:
        facts.append(f"about {duration(step.estimate_seconds)}")
    if step.reversible:
        return [*facts, "reversible"]
    reason = f": {one_line(step.irreversible_reason)}" if step.irreversible_reason else ""
    return [*facts, f"{ink.warn('IRREVERSIBLE')}{reason}"]


def _statement(statement: StatementReport, ink: Ink) -> list[str]:
    lines = [_indented(statement.sql, 6)]
    if statement.refused:
        lines.append(f"        {ink.bad('refused:')} {one_line(statement.refused)}")
    if statement.plain:
        lines.append(f"        {ink.warn('runs as it is written:')} {one_line(statement.plain)}")
    lines += [f"        runs as: {_indented(sql, 17).lstrip()}" for sql in statement.online]
    lines.append(f"        {_locks(statement, ink)}")
    lines += [f"        {ink.warn('blocked now by')} {blocker_line(blocker)}" for blocker in statement.blocked_by]
    return lines


def _locks(statement: StatementReport, ink: Ink) -> str:
    if not statement.lock:
        said = "takes no lock on a table that exists"
    else:
        blocks = ink.warn(statement.blocks) if "reads" in statement.blocks else statement.blocks
        said = f"locks {statement.relation} {statement.lock}, blocks {blocks}"
    return "; ".join([said, *_costs(statement, ink)])


def _costs(statement: StatementReport, ink: Ink) -> Sequence[str]:
    if statement.rewrites:
        return [ink.warn("rewrites the table")]
    return ["scans the table"] if statement.scans else []


def _indented(sql: str, indent: int) -> str:
    return textwrap.indent(textwrap.dedent(sql).strip(), " " * indent)
