"""The condition that the rows of a partition satisfy, and whether a table's checks already prove it."""

from __future__ import annotations

import re
from typing import Any

from migrator.sql.checks import Condition, bare, not_null, proven, proven_alternatives
from migrator.sql.context import Table
from migrator.sql.names import quote
from migrator.sql.parser import Tree, kind_of, strings

_NUMBER = re.compile(r"-?\d+")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def required(bound: Tree, parent: Table) -> tuple[Condition, ...] | None:
    """Return what rows inside the bounds satisfy; None where it is more than a few simple conditions.

    Simple are ranges and lists over a single column without NULL among the values.
    """
    if bound.is_default or len(parent.partition_key) != 1:
        return None
    column = parent.partition_key[0]
    if bound.strategy == "r":
        limits = [(">=", bound.lowerdatums[0]), ("<", bound.upperdatums[0])]
        open_ended = {"minvalue", "maxvalue"}
        closed = [(operator, bare(datum)) for operator, datum in limits if _keyword(datum) not in open_ended]
        if not all(value for _, value in closed):
            return None
        return not_null(column), *(Condition(column, operator, frozenset({value})) for operator, value in closed)
    values = frozenset(bare(datum) for datum in bound.listdatums)
    if bound.strategy != "l" or values & {"", "NULL"}:
        return None
    return not_null(column), Condition(column, "IN", values)


def _keyword(datum: Tree) -> str:
    return strings(datum.column_ref.fields)[-1] if kind_of(datum) == "column_ref" else ""


def is_proven(bound: Tree, parent: Table | None, child: Table | None) -> bool:
    """Say whether the checks of `child` prove that all its rows are inside the bounds, so that none has to be read."""
    conditions = required(bound, parent) if parent else None
    if conditions is None or child is None:
        return False
    known = proven(child)
    return all(wanted in known or any(_implies(one, wanted) for one in known) for wanted in conditions)


def _implies(known: Condition, wanted: Condition) -> bool:
    """Say whether rows that satisfy one condition satisfy the other: a tighter range, fewer values."""
    if known.column != wanted.column or not known.values:
        return False
    if wanted.operator == "IN":
        return known.operator == "IN" and known.values <= wanted.values
    values = [_ordered(value) for value in (*known.values, *wanted.values)]
    if None in values or len({type(value) for value in values}) > 1:
        return False
    limit, found = values[-1], values[:-1]
    if wanted.operator == ">=":
        return known.operator in (">=", ">", "IN") and all(value >= limit for value in found)
    strictly = known.operator in ("<=", "IN")
    return (strictly and all(value < limit for value in found)) or (
        known.operator == "<" and all(value <= limit for value in found)
    )


def _ordered(value: str) -> Any:
    """Return a constant in a form that can be compared: a number, or a date; None for anything else."""
    if _NUMBER.fullmatch(value):
        return int(value)
    return value if _DATE.fullmatch(value) else None


def as_sql(conditions: tuple[Condition, ...]) -> str:
    """Return the conditions as the expression of a check."""
    return " AND ".join(_one(condition) for condition in conditions)


def _one(condition: Condition) -> str:
    values = ", ".join("'{}'".format(value.replace("'", "''")) for value in sorted(condition.values))
    if condition.operator == "IN":
        values = f"({values})"
    return f"{quote(condition.column)} {condition.operator} {values}".rstrip()


def is_excluded(bound: Tree, parent: Table | None, default: Table | None) -> bool:
    """Say whether the checks of the default partition prove that none of its rows is inside the bounds."""
    conditions = required(bound, parent) if parent else None
    if conditions is None or default is None:
        return False
    outside = {
        Condition(one.column, _OPPOSITES[one.operator], one.values) for one in conditions if one.operator in _OPPOSITES
    }
    if any(alternatives <= outside for alternatives in proven_alternatives(default)):
        return True
    return any(one.operator == "IN" and _has_none_of(default, one) for one in conditions)


_OPPOSITES = {">=": "<", "<": ">="}


def _has_none_of(table: Table, wanted: Condition) -> bool:
    """Say whether checks prove that no row has one of the wanted values."""
    known = [one for one in proven(table) if one.column == wanted.column]
    if any(one.operator == "IN" and not wanted.values & one.values for one in known):
        return True
    excluded = {value for one in known if one.operator in ("<>", "NOT IN") for value in one.values}
    return wanted.values <= excluded
