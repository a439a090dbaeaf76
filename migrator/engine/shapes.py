"""Whether the tables, columns and expressions that a plan names are there, or will be made by its revisions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from migrator.engine.target import Target
from migrator.errors import Location, MigratorError, UsageError
from migrator.plan import Plan, Step, identifiers
from migrator.plan.steps.backfill import Backfill
from migrator.plan.steps.dual_write import DualWrite
from migrator.plan.steps.verify import Verify
from migrator.postgres.tables import Table, UnknownTableError, find_table, raw
from migrator.revisions.recorder import Recorded
from migrator.spelling import suggestion
from migrator.sql.errors import ExpressionError
from migrator.sql.expression import Expression, parse_expression
from migrator.sql.names import split_name

_SYSTEM_COLUMNS = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})
PATIENCE = "100ms"
"""How long to wait for a table that somebody has locked, only to look at an expression."""
# What the server says of an expression whose columns are all there. Errors about values are left to the rows.
_UNFIT = (
    psycopg.errors.UndefinedFunction,
    psycopg.errors.UndefinedObject,
    psycopg.errors.AmbiguousFunction,
    psycopg.errors.AmbiguousColumn,
    psycopg.errors.CannotCoerce,
    psycopg.errors.DatatypeMismatch,
)


class UnknownColumnError(UsageError):
    """A plan names a column that is neither in the table nor added by a revision of the plan.

    Correct the name, or add the revision that adds the column to the plan's expand phase.
    """

    code = "MG162"


class UnfitExpressionError(UsageError):
    """The server does not accept an SQL expression of the plan: a function is not there, or types do not match.

    Nothing was changed. Correct the expression; psql shows what it gives: `SELECT (expression) FROM table LIMIT 10`.
    """

    code = "MG164"


@dataclass(frozen=True, slots=True)
class _Use:
    """What a step says about one table: the columns it writes, and expressions over the columns of its rows."""

    table: str
    written: list[str] = field(default_factory=list)
    expressions: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Made:
    """What the revisions of the plan will have made. `all_seen` is False where that could not be found out."""

    tables: set[str]
    columns: set[tuple[str, str]]
    functions: bool
    all_seen: bool

    def columns_of(self, table: Table) -> set[str]:
        return {column for owner, column in self.columns if owner == table.name}


def bad_expressions(plan: Plan) -> Iterator[MigratorError]:
    """Yield what is no SQL expression at all."""
    for _, _, step in plan.steps():
        for text in (text for use in _uses(step) for text in use.expressions):
            try:
                parse_expression(text)
            except ExpressionError as error:
                yield ExpressionError(error.message, column=error.column, where=step.location)
            except UsageError as error:
                yield type(error)(error.message, where=step.location, notes=error.notes, help=error.help)


def misfits(target: Target, plan: Plan, recorded: Iterable[Recorded]) -> Iterator[MigratorError]:
    """Yield what the plan names and neither the database has nor a revision of the plan makes."""
    made = _made(recorded)
    for _, _, step in plan.steps():
        for use in _uses(step):
            try:
                table = find_table(target.asking, use.table, step.location)
            except UnknownTableError as error:
                if made.all_seen and split_name(use.table).name not in made.tables:
                    yield error
                continue
            yield from _unknown_columns(use, table, made, step.location)
            yield from _unfit(target, use, table, made, step.location)


def _unknown_columns(use: _Use, table: Table, made: _Made, where: Location) -> Iterator[MigratorError]:
    known = {column.name for column in table.columns} | made.columns_of(table)
    expressions = map(parse_expression, use.expressions)
    read = [name for one in expressions for name in _columns(one, table) if name not in _SYSTEM_COLUMNS]
    for name in dict.fromkeys([*use.written, *read]):
        if made.all_seen and name not in known:
            yield UnknownColumnError(
                f"table {table} has no column {name}, and no revision of the plan adds it",
                where=where,
                help=suggestion(name, known, "columns"),
            )


def _columns(expression: Expression, table: Table) -> list[str]:
    """Return the columns that an expression certainly reads from the row of `table`."""
    return [
        one.column
        for one in expression.columns
        if one.table in (None, table.name) and one.column != table.name  # the table's name means the whole row
    ]


def _unfit(target: Target, use: _Use, table: Table, made: _Made, where: Location) -> Iterator[MigratorError]:
    """Let the server plan to read each expression that the table has all the columns for."""
    if made.functions or not made.all_seen:
        return
    for text in use.expressions:
        if not all(table.column(name) for name in _columns(parse_expression(text), table)):
            continue
        statement = sql.SQL("EXPLAIN SELECT {} FROM {} AS {}").format(raw(text), table.named, table.alias)
        try:
            with target.asking.transaction():
                target.asking.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(PATIENCE))
                target.asking.execute(statement, ())
        except _UNFIT as error:
            hint = [error.diag.message_hint] if error.diag.message_hint else []
            yield UnfitExpressionError(
                f"{error.diag.message_primary} in the expression {text}",
                where=where,
                notes=[*hint, "nothing was changed"],
                help="correct the expression in the plan",
            )
        except psycopg.Error:  # it needs what a revision is going to make, or somebody has locked the table
            continue


def _made(recorded: Iterable[Recorded]) -> _Made:
    all_recorded = list(recorded)
    created = [made for one in all_recorded for sent in one.sent for made in sent.effect.creates]
    return _Made(
        tables={made.name.name for made in created if made.kind == "table"},
        columns={(made.name.name, made.member) for made in created if made.kind == "column" and made.member},
        functions=any(made.kind in ("function", "type", "domain", "extension", "operator") for made in created),
        all_seen=not any(one.unseen for one in all_recorded),
    )


def _uses(step: Step) -> list[_Use]:
    if isinstance(step, DualWrite):
        return _uses_of_dual_write(step)
    if isinstance(step, Backfill):
        conditions = [step.where] if step.where else []
        columns, values = _names(step.set), [*step.set.values(), *conditions]
        return [_Use(step.table, [], values), _Use(step.into, columns)] if step.into else [
            _Use(step.table, columns, values)
        ]  # fmt: skip
    if isinstance(step, Verify):
        return _uses_of_verify(step)
    return []


def _uses_of_verify(step: Verify) -> list[_Use]:
    columns, values = list(step.same or {}), list((step.same or {}).values())
    alone = [one for one in (step.none, step.where) if one]
    if step.source:
        return [_Use(step.table, _names(columns), alone), _Use(step.source)]
    return [_Use(step.table, _names(columns), [*alone, *values])]


def _uses_of_dual_write(step: DualWrite) -> list[_Use]:
    forward, backward = step.forward, step.backward or {}
    if not step.into:
        return [_Use(step.table, [*_names(forward), *_names(backward)], [*forward.values(), *backward.values()])]
    return [
        _Use(step.table, _names(backward), list(forward.values())),
        _Use(step.into, [*_names(forward), *_names(step.key or {})], list(backward.values())),
    ]


def _names(columns: Iterable[str]) -> list[str]:
    return [identifiers(column)[-1] for column in columns]
