"""Responsible for how the answer of ``migrator backfill --dry-run`` looks; not for trying anything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from migrator.engine.reports import PreviewReport, StepPreview, TriedRow
from migrator.postgres.blockers import duration
from migrator.view.ink import Ink
from migrator.view.printable import printable

REFUSED = 20
VALUE_WIDTH = 60


def document(report: PreviewReport) -> dict[str, Any]:
    """Return the report as a JSON-able mapping."""
    return {"version": 1, **asdict(report)}


def text(report: PreviewReport, ink: Ink) -> str:
    """Return what each backfill step did to the rows it was tried on, and what that means for the table."""
    lines = [f"{ink.bold(f'plan {report.plan}')}: its backfills, tried on some rows and rolled back"]
    if not report.steps:
        lines.append("  no backfill is left to do")
    for step in report.steps:
        lines += [f"  {step.phase} {step.index}: {printable(step.title)}", *_step(step, ink)]
    return "\n".join([*lines, "Nothing was changed."])


def _step(step: StepPreview, ink: Ink) -> Iterator[str]:
    total = f"about {step.rows_total:,}" if step.rows_total is not None else "an unknown number of"
    places = f", in {step.places} places" if step.places > 1 else ""
    yield f"    tried     {step.rows_tried:,} of {total} rows{places}"
    if step.locked:
        yield f"    locked    rows in {step.locked} more places, which were left out"
    share = f", {100 * step.rows_written / step.rows_tried:.0f} %" if step.rows_tried else ""
    whole = f"; about {step.rows_estimate:,} of the whole table" if step.rows_estimate is not None else ""
    yield f"    written   {step.rows_written:,}{share}{whole}"
    if step.seconds_estimate is not None:
        hot = f", {100 * step.hot_share:.0f} % of the updates HOT" if step.hot_share is not None else ""
        yield (
            f"    all of it about {duration(step.seconds_estimate)} with one worker; {_size(step.wal_estimate)} WAL; "
            f"{_size(step.bytes_estimate)} row versions beside {_size(step.table_bytes)} of the table{hot}"
        )
    for row in step.refused[:REFUSED]:
        yield f"    {ink.bad('refused')}   {printable(row.key)}: {printable(row.error)}"
    if len(step.refused) > REFUSED:
        yield f"              and {len(step.refused) - REFUSED:,} more"
    for row in step.examples:
        yield f"    example   {printable(row.key)}: {_change(row)}"


def _change(row: TriedRow) -> str:
    if row.after is None:
        return f"{_shown(row.before)} is deleted"
    if row.before is None:
        return f"{_shown(row.after)} is new"
    columns = [column for column in row.after if row.before.get(column) != row.after[column]]
    return "; ".join(
        printable(f"{column}: {_shown(row.before.get(column))} -> {_shown(row.after[column])}") for column in columns
    )


def _shown(value: Any) -> str:
    written = json.dumps(value, ensure_ascii=False)
    return printable(written if len(written) <= VALUE_WIDTH else f"{written[: VALUE_WIDTH - 1]}…")


def _size(size: int | None) -> str:
    return f"{(size or 0) / 1024**2:,.1f} MB"
