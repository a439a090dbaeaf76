"""What the validated checks of a table prove about its rows, as far as PostgreSQL's own prover would use them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from migrator.sql.context import Table
from migrator.sql.errors import SqlError
from migrator.sql.parser import Tree, constant_text, field_enum, kind_of, parse_tree, strings


class Condition(NamedTuple):
    """One simple condition: a column, an operator, and the constants on its other side (several for IN)."""

    column: str
    operator: str
    values: frozenset[str] = frozenset()


def not_null(column: str) -> Condition:
    """Return the condition that `column` is not null."""
    return Condition(column, "IS NOT NULL")


def proven(table: Table, *, without: frozenset[str] = frozenset()) -> frozenset[Condition]:
    """Return the simple conditions that hold for every row of the table, `without` what these constraints say."""
    checks = [
        one.expression
        for one in table.constraints
        if one.kind == "check" and one.validated and one.expression and one.name not in without
    ]
    from_checks = {condition for check in checks for condition in conditions_of(check)}
    return frozenset(from_checks | {not_null(column.name) for column in table.columns if column.not_null})


def proven_alternatives(table: Table) -> Iterator[frozenset[Condition]]:
    """Yield sets of simple conditions of which one holds for every row of the table: the OR in its checks."""
    for one in table.constraints:
        if one.kind == "check" and one.validated and one.expression:
            for node in _conjuncts(_where(one.expression)):
                arms = node.bool_expr.args if _is_bool(node, "OR_EXPR") else [node]
                found = [frozenset(_conditions(arm)) for arm in arms]
                if all(len(arm) == 1 for arm in found):
                    yield frozenset[Condition]().union(*found)


def _conjuncts(node: Tree | None) -> Iterator[Tree]:
    if node is None:
        return
    if _is_bool(node, "AND_EXPR"):
        for argument in node.bool_expr.args:
            yield from _conjuncts(argument)
    else:
        yield node


def _is_bool(node: Tree, operator: str) -> bool:
    return kind_of(node) == "bool_expr" and field_enum(node.bool_expr, "boolop") == operator


def is_proven_not_null(table: Table | None, column: str, *, without: frozenset[str] = frozenset()) -> bool:
    """Say whether the column is NOT NULL or a validated check says so, none of those to be left out."""
    return table is not None and not_null(column) in proven(table, without=without)


def conditions_of(expression: str) -> frozenset[Condition]:
    """Return the simple conditions joined by AND in the expression of a check; what is not simple is left out."""
    where = _where(expression)
    return frozenset() if where is None else frozenset(_conditions(where))


def _where(expression: str) -> Tree | None:
    try:
        return parse_tree(f"SELECT WHERE {expression}").stmts[0].stmt.select_stmt.where_clause
    except SqlError:
        return None


def _conditions(node: Tree) -> Iterator[Condition]:
    kind = kind_of(node)
    if _is_bool(node, "AND_EXPR"):
        for argument in node.bool_expr.args:
            yield from _conditions(argument)
    elif kind == "null_test" and field_enum(node.null_test, "nulltesttype") == "IS_NOT_NULL":
        column = _column(node.null_test.arg)
        if column:
            yield not_null(column)
    elif _is_bool(node, "NOT_EXPR") and kind_of(node.bool_expr.args[0]) == "null_test":
        test = node.bool_expr.args[0].null_test
        if field_enum(test, "nulltesttype") == "IS_NULL" and _column(test.arg):
            yield not_null(_column(test.arg))
    elif kind == "a_expr":
        yield from _comparison(node.a_expr)


def _comparison(expression: Tree) -> Iterator[Condition]:
    column = _column(expression.lexpr)
    operator = strings(expression.name)[-1]
    kind = field_enum(expression, "kind")
    if not column:
        return
    if kind == "AEXPR_IN" and operator == "=":
        yield Condition(column, "IN", _constants(expression.rexpr.list.items))
    elif kind == "AEXPR_IN" and operator == "<>":
        yield Condition(column, "NOT IN", _constants(expression.rexpr.list.items))
    elif kind == "AEXPR_OP_ALL" and operator == "<>" and kind_of(expression.rexpr) == "a_array_expr":
        yield Condition(column, "NOT IN", _constants(expression.rexpr.a_array_expr.elements))
    elif kind == "AEXPR_OP_ANY" and operator == "=" and kind_of(expression.rexpr) == "a_array_expr":
        yield Condition(column, "IN", _constants(expression.rexpr.a_array_expr.elements))
    elif kind == "AEXPR_BETWEEN":
        for bound, side in zip((">=", "<="), expression.rexpr.list.items, strict=True):
            if bare(side):
                yield Condition(column, bound, frozenset({bare(side)}))
    elif kind == "AEXPR_OP" and bare(expression.rexpr):
        value = frozenset({bare(expression.rexpr)})
        yield Condition(column, "IN" if operator == "=" else operator, value)


def _constants(nodes: Tree) -> frozenset[str]:
    return frozenset(bare(node) for node in nodes)


def _column(node: Tree) -> str:
    while kind_of(node) == "type_cast":
        node = node.type_cast.arg
    return strings(node.column_ref.fields)[-1] if kind_of(node) == "column_ref" else ""


def bare(node: Tree) -> str:
    """Return the text of a constant, the casts around it taken off; empty where it is none."""
    while kind_of(node) == "type_cast":
        node = node.type_cast.arg
    return constant_text(node)
