"""Whether the tables, columns and expressions that a plan names are there, or will be made by its revisions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from migrator.backfill.move import Use
from migrator.backfill.moves import kind_of
from migrator.engine.target import Target
from migrator.errors import Location, MigratorError, UsageError
from migrator.plan import Plan, Step, identifiers
from migrator.plan.steps.backfill import Backfill
from migrator.plan.steps.dual_write import DualWrite
from migrator.plan.steps.verify import Verify
from migrator.postgres.tables import Table, UnknownTableError, find_table, raw
from migrator.spelling import suggestion
from migrator.sql.errors import ExpressionError
from migrator.sql.expression import ColumnRef, Expression, parse_expression
from migrator.sql.names import SYSTEM_COLUMNS, split_name

if TYPE_CHECKING:
    from migrator.revisions.recorder import Recorded

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
        try:
            texts = [text for use in _uses(step) for text in use.expressions]
        except UsageError as error:  # a statement of the plan, which has its place
            yield error
            continue
        for text in texts:
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
            tables = []
            for name in (use.table, *([use.beside] if use.beside else [])):
                try:
                    tables.append(find_table(target.asking, name, step.location))
                except UnknownTableError as error:
                    if made.all_seen and split_name(name).name not in made.tables:
                        yield error
            if len(tables) == 1 + bool(use.beside):
                yield from _unknown_columns(use, tables, made, step.location)
                yield from _unfit(target, use, tables, made, step.location)


def _unknown_columns(use: Use, tables: list[Table], made: _Made, where: Location) -> Iterator[MigratorError]:
    known = {table.name: {column.name for column in table.columns} | made.columns_of(table) for table in tables}
    anywhere = set().union(*known.values())
    read = [one for text in use.expressions for one in _columns(parse_expression(text), tables)]
    for one in dict.fromkeys([*(ColumnRef(name) for name in use.written), *read]):
        there = known[one.table] if one.table else anywhere
        if made.all_seen and one.column not in there | SYSTEM_COLUMNS:
            owner = one.table or " or ".join(str(table) for table in tables)
            yield UnknownColumnError(
                f"table {owner} has no column {one.column}, and no revision of the plan adds it",
                where=where,
                help=suggestion(one.column, there, "columns"),
            )


def _columns(expression: Expression, tables: list[Table]) -> list[ColumnRef]:
    """Return the columns that an expression certainly reads from the rows of `tables`."""
    names = {table.name for table in tables}
    return [
        one
        for one in expression.columns
        if one.table in (None, *names) and one.column not in names  # a table's name means the whole row
    ]


def _unfit(target: Target, use: Use, tables: list[Table], made: _Made, where: Location) -> Iterator[MigratorError]:
    """Let the server plan to read each expression that the table has all the columns for."""
    if made.functions or not made.all_seen:
        return
    for text in use.expressions:
        read = _columns(parse_expression(text), tables)
        if not all(any(table.column(one.column) for table in tables) for one in read):
            continue
        sources = sql.SQL(", ").join(sql.SQL("{} AS {}").format(table.named, table.alias) for table in tables)
        statement = sql.SQL("EXPLAIN SELECT {} FROM {}").format(raw(text), sources)
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


def _uses(step: Step) -> list[Use]:
    if isinstance(step, DualWrite):
        return _uses_of_dual_write(step)
    if isinstance(step, Backfill):
        return kind_of(step).uses(step)
    if isinstance(step, Verify):
        return _uses_of_verify(step)
    return []


def _uses_of_verify(step: Verify) -> list[Use]:
    columns, alone = step.same or {}, [one for one in (step.none, step.where) if one]
    both = [*columns.values(), *([step.join] if step.join else [])]
    return [Use(step.table, _names(columns), alone), Use(step.table, [], both, beside=step.source)]


def _uses_of_dual_write(step: DualWrite) -> list[Use]:
    forward, backward = step.forward, step.backward or {}
    if not step.into:
        return [Use(step.table, [*_names(forward), *_names(backward)], [*forward.values(), *backward.values()])]
    return [
        Use(step.table, _names(backward), list(forward.values())),
        Use(step.into, [*_names(forward), *_names(step.key or {})], list(backward.values())),
    ]


def _names(columns: Iterable[str]) -> list[str]:
    return [identifiers(column)[-1] for column in columns]
