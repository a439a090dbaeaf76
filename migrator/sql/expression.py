"""One SQL expression over the columns of a row, as plans write it; not its value and not whether its columns exist."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from migrator.sql.errors import ExpressionError, SqlError
from migrator.sql.names import Name
from migrator.sql.parser import Tree, deparse, find, has_comments, parse_tree, strings, walk
from migrator.sql.volatility import AGGREGATES, function_name

_PREFIX = "SELECT WHERE "
_SUBQUERY = frozenset({"SubLink"})
_ALLOWED = {"where_clause", "limit_option", "op"}


@dataclass(frozen=True, slots=True)
class ColumnRef:
    """A column as an expression names it."""

    column: str
    table: str | None = None


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that is one value per row.

    Attributes:
        text: as the user wrote it.
        sql: the same without comments, safe to put between other SQL.
        columns: what it names outside subqueries, so certainly columns of the row.
        inner_columns: what its subqueries name: columns of theirs or of the row.
        functions: what it calls.
    """

    text: str
    sql: str
    columns: tuple[ColumnRef, ...]
    inner_columns: tuple[ColumnRef, ...]
    functions: tuple[Name, ...]


def parse_expression(text: str) -> Expression:
    """Return the expression in `text`.

    Raises:
        ExpressionError: not SQL, or more or less than one expression over one row.
    """
    if not text.strip():
        raise ExpressionError("the expression is empty")
    tree = _where_clause(text)
    _refuse_what_needs_more_than_a_row(tree, text)
    outside = _columns(walk(tree, skip=_SUBQUERY))
    inside = _columns(one for link in find(tree, "SubLink") for one in walk(link.subselect))
    return Expression(
        text=text,
        sql=_without_comments(text, tree),
        columns=outside,
        inner_columns=tuple(column for column in inside if column not in outside),
        functions=tuple(dict.fromkeys(function_name(call) for call in find(tree, "FuncCall"))),
    )


def _where_clause(text: str) -> Tree:
    try:
        result = parse_tree(_PREFIX + text)
    except SqlError as error:
        column = error.column - (len(_PREFIX) if error.line == 1 else 0)
        message = error.message.rpartition(" (line ")[0]
        raise ExpressionError(f"{message} in the expression {text.strip()}", column=max(column, 1)) from error
    statement = result.stmts[0].stmt.select_stmt
    present = {field.name for field, _ in statement.ListFields()}
    if len(result.stmts) != 1 or result.stmts[0].stmt_len or not present <= _ALLOWED or statement.op > 1:
        raise ExpressionError(f"more than one expression: {text.strip()}")
    return statement.where_clause


def _refuse_what_needs_more_than_a_row(tree: Tree, text: str) -> None:
    for call in find(tree, "FuncCall", skip=_SUBQUERY):
        name = function_name(call)
        window = call.HasField("over")
        if window or call.agg_star or call.agg_distinct or call.agg_within_group or name.name in AGGREGATES:
            what = "window" if window else "aggregate"
            raise ExpressionError(f"{what} function {name} needs more than one row", column=_column(call, text))
    for kind, what in {"ParamRef": "a parameter", "SetToDefault": "DEFAULT", "A_Star": "*"}.items():
        for node in find(tree, kind, skip=_SUBQUERY):
            raise ExpressionError(f"{what} is no value of the row", column=_column(node, text))


def _column(node: Tree, text: str) -> int:
    bytes_before = getattr(node, "location", 0) - len(_PREFIX)
    return len(text.encode()[:bytes_before].decode()) + 1 if bytes_before >= 0 else 0


def _columns(nodes: Iterable[Tree]) -> tuple[ColumnRef, ...]:
    found: dict[ColumnRef, None] = {}
    for node in nodes:
        if node.DESCRIPTOR.name == "ColumnRef":
            parts = strings(node.fields)
            if parts:
                found[ColumnRef(parts[-1], parts[-2] if len(parts) > 1 else None)] = None
    return tuple(found)


def _without_comments(text: str, tree: Tree) -> str:
    if not has_comments(text):
        return text.strip()
    bare = parse_tree("SELECT WHERE true").stmts[0].stmt
    bare.select_stmt.where_clause.CopyFrom(tree)
    return deparse(bare).removeprefix("SELECT WHERE").strip()
