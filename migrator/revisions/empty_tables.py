"""What a query answers where no table has a row: one row if it aggregates or reads no table, else none."""

from __future__ import annotations

import operator
from typing import Any

from migrator.sql.errors import SqlError
from migrator.sql.parser import Tree, field_enum, find, kind_of, strings
from migrator.sql.statement import parse

_COUNTS = frozenset({"count", "regr_count"})
_AGGREGATES = _COUNTS | {
    "array_agg", "avg", "bit_and", "bit_or", "bool_and", "bool_or", "every", "json_agg", "json_object_agg", "jsonb_agg",
    "jsonb_object_agg", "max", "min", "string_agg", "sum",
}  # fmt: skip
_ARITHMETIC = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_COLUMN = "column"


def answer(sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the names of the columns that a query returns, and its rows. A value that is not known is None.

    One column without a row is the answer to what is not one plain query.
    """
    try:
        (statement,) = parse(sql, pyformat=True)
    except (SqlError, ValueError):
        return [_COLUMN], []
    tree = statement.tree
    targets = [one.res_target for one in (*_list(tree, "target_list"), *_list(tree, "returning_list"))]
    names = [_name(one) for one in targets] or [_COLUMN]
    one_row = statement.kind == "select_stmt" and bool(targets) and _gives_one_row(tree)
    return names, [tuple(_value(one.val) for one in targets)] if one_row else []


def _list(tree: Tree, field: str) -> list[Tree]:
    return list(getattr(tree, field, ()))


def _name(target: Tree) -> str:
    is_column = kind_of(target.val) == "column_ref"
    return target.name or ((strings(target.val.column_ref.fields) or (_COLUMN,))[-1] if is_column else _COLUMN)


def _gives_one_row(select: Tree) -> bool:
    if not select.from_clause:
        return not select.HasField("where_clause")
    aggregates = any(_is_aggregate(call) for one in select.target_list for call in find(one, "FuncCall"))
    return aggregates and not select.group_clause and not select.HasField("having_clause")


def _is_aggregate(call: Tree) -> bool:
    return strings(call.funcname)[-1] in _AGGREGATES and not call.HasField("over")


def _value(node: Tree) -> Any:
    kind = kind_of(node)
    if kind == "a_const":
        return _constant(node.a_const)
    if kind == "type_cast":
        return _value(node.type_cast.arg)
    if kind == "coalesce_expr":
        return next((one for one in map(_value, node.coalesce_expr.args) if one is not None), None)
    if kind == "func_call":
        return 0 if strings(node.func_call.funcname)[-1] in _COUNTS else None
    if kind == "sub_link":
        return _of_subquery(node.sub_link)
    return _calculated(node.a_expr) if kind == "a_expr" else None


def _constant(constant: Tree) -> Any:
    which = constant.WhichOneof("val")
    if which is None:
        return None
    text = getattr(getattr(constant, which), which)
    return float(text) if which == "fval" else text


def _of_subquery(link: Tree) -> bool | None:
    asks = field_enum(link, "sub_link_type") == "EXISTS_SUBLINK" and link.subselect.select_stmt.from_clause
    return False if asks else None


def _calculated(expression: Tree) -> Any:
    calculate = _ARITHMETIC.get(strings(expression.name)[-1])
    left, right = _value(expression.lexpr), _value(expression.rexpr)
    known = isinstance(left, (int, float)) and isinstance(right, (int, float))
    return calculate(left, right) if calculate and known else None
