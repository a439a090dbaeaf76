"""Whether a check takes a constant, as far as that can be told without a server."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation

from migrator.check.literals import Value, value_of
from migrator.sql.errors import SqlError
from migrator.sql.parser import Tree, field_enum, kind_of, parse_tree, strings

_COMPARISONS: Mapping[str, Callable[[Decimal | str, Decimal | str], bool]] = {
    "=": operator.eq, "<>": operator.ne, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge,
}  # fmt: skip


def refuses(check: str, column: str, value: Value) -> bool:
    """Say whether a check certainly refuses a row whose column has the value; any part may speak of other columns."""
    try:
        select = parse_tree(f"SELECT {check}").stmts[0].stmt.select_stmt
        return _holds(select.target_list[0].res_target.val, column, value) is False
    except (SqlError, IndexError):
        return False


def _holds(node: Tree, column: str, value: Value) -> bool | None:
    """Say whether a condition holds; None where that cannot be told."""
    if kind_of(node) == "bool_expr":
        held = [_holds(one, column, value) for one in node.bool_expr.args]
        kind = field_enum(node.bool_expr, "boolop")
        if kind == "NOT_EXPR":
            return None if held[0] is None else not held[0]
        return _joined(held, decided=kind == "OR_EXPR")
    return _expression(node.a_expr, column, value) if kind_of(node) == "a_expr" else None


def _expression(node: Tree, column: str, value: Value) -> bool | None:
    left, right = _side(node.lexpr, column, value), node.rexpr
    kind, sign = field_enum(node, "kind"), strings(node.name)[-1]
    if kind == "AEXPR_OP":
        return _compared(sign, left, _side(right, column, value))
    if kind == "AEXPR_BETWEEN":
        low, high = (_side(one, column, value) for one in right.list.items)
        return _joined([_compared(">=", left, low), _compared("<=", left, high)], decided=False)
    listed = _listed(right)
    if kind not in ("AEXPR_IN", "AEXPR_OP_ANY", "AEXPR_OP_ALL") or listed is None:
        return None
    every = kind == "AEXPR_OP_ALL" or (kind == "AEXPR_IN" and sign == "<>")
    return _joined([_compared(sign, left, _side(one, column, value)) for one in listed], decided=not every)


def _joined(held: list[bool | None], *, decided: bool) -> bool | None:
    """Join conditions, one of which decides: OR by one that holds, AND by one that does not."""
    return decided if decided in held else None if None in held else not decided


def _listed(node: Tree) -> list[Tree] | None:
    """Return the elements of a list or of an array that is written out."""
    kind = kind_of(node)
    if kind == "type_cast":
        return _listed(node.type_cast.arg)
    if kind == "list":
        return list(node.list.items)
    return list(node.a_array_expr.elements) if kind == "a_array_expr" else None


def _compared(sign: str, left: Value | None, right: Value | None) -> bool | None:
    compare = _COMPARISONS.get(sign)
    if compare is None or left is None or right is None:
        return None
    if isinstance(left, str) and isinstance(right, str):
        if sign not in ("=", "<>", "!="):
            return None  # the order of texts is the collation's
        alike = left.rstrip().casefold() == right.rstrip().casefold()
        return None if alike and left != right else compare(left, right)  # to char and citext they may be equal
    try:
        return compare(Decimal(left), Decimal(right))
    except InvalidOperation:
        return None


def _side(node: Tree, column: str, value: Value) -> Value | None:
    kind = kind_of(node)
    if kind == "column_ref":
        return value if strings(node.column_ref.fields)[-1:] == (column,) else None
    if kind == "type_cast":
        return _side(node.type_cast.arg, column, value)
    if (
        kind == "func_call"
        and strings(node.func_call.funcname)[-1] in ("length", "char_length")
        and node.func_call.args
    ):
        text = _side(node.func_call.args[0], column, value)
        return Decimal(len(text)) if isinstance(text, str) else None
    return value_of(node)
