"""What a backfill sends, as one statement over all of its rows: `migrator check` asks whether PostgreSQL takes it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest

from migrator.errors import UsageError
from migrator.plan.steps.backfill import Backfill
from migrator.sql.bounded import BOUNDS, parse_bounded
from migrator.sql.statement import Statement, parse_one


def statement_of(step: Backfill) -> Statement | None:
    """Return what `step` sends; None where a function makes the values, or where it is no SQL, which others report."""
    try:
        text = _bounded(step.sql) if step.sql else _text(step)
        return parse_one(text) if text else None
    except UsageError:
        return None


def _bounded(text: str) -> str:
    bounded = parse_bounded(text)
    return "".join(f"{one}{BOUNDS.get(bound, '')}" for one, bound in zip_longest(bounded.texts, bounded.bounds))


def _text(step: Backfill) -> str:
    where = " AND ".join(f"({one})" for one in (step.join, step.where) if one) or "true"
    if step.delete:
        return f"DELETE FROM {step.table} WHERE {where}"
    if not step.set:
        return ""
    if not step.into:
        source = f" FROM {step.source}" if step.source else ""
        return f"UPDATE {step.table} SET {_assignments(step.set)}{source} WHERE {where}"
    conflict = "DO NOTHING"
    if step.on_conflict:
        conflict = f"({', '.join(step.on_conflict.key)}) DO UPDATE SET {_assignments(step.on_conflict.update)}"
    rows = f"SELECT {', '.join(step.set.values())} FROM {step.table} WHERE {where}"
    return f"INSERT INTO {step.into} ({', '.join(step.set)}) {rows} ON CONFLICT {conflict}"


def _assignments(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{column} = {expression}" for column, expression in columns.items())
