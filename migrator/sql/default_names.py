"""The names PostgreSQL gives to indexes and constraints that have none (indexcmds.c, `makeObjectName`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count

from migrator.sql.names import MAX_NAME_BYTES, clip
from migrator.sql.parser import Tree, content, field_enum, kind_of, strings

_UNNAMED = "expr"


def object_name(table: str, middle: str, label: str) -> str:
    """Return `table_middle_label`, the longer of the first two cut until it fits into 63 bytes."""
    sizes = [len(table.encode()), len(middle.encode())]
    available = MAX_NAME_BYTES - len(label) - 1 - (1 if middle else 0)
    while sum(sizes) > available:
        sizes[0 if sizes[0] > sizes[1] else 1] -= 1
    parts = (clip(table, sizes[0]), clip(middle, sizes[1]), label)
    return "_".join(part for part in parts if part)


def free_name(table: str, middle: str, label: str, taken: Callable[[str], bool]) -> str:
    """Return the first of `object_name(..., label)`, `label1`, `label2`, ... that is not taken."""
    candidates = (object_name(table, middle, f"{label}{number or ''}") for number in count())
    return next(name for name in candidates if not taken(name))


def index_middle(columns: Iterable[str]) -> str:
    """Return the middle part of an index's name: its columns' names, joined until they are long enough."""
    joined = ""
    for column in columns:
        if len(joined.encode()) > MAX_NAME_BYTES:
            break
        joined = f"{joined}_{column}" if joined else column
    return joined


def index_columns(elements: Iterable[Tree]) -> tuple[str, ...]:
    """Return the names of an index's columns: expressions are named after their function, repeats are numbered."""
    names: list[str] = []
    for node in elements:
        element = node.index_elem
        base = element.indexcolname or element.name or expression_name(element.expr) or _UNNAMED
        candidates = (f"{_fitting(base, number)}{number or ''}" for number in count())
        names.append(next(name for name in candidates if name not in names))
    return tuple(names)


def _fitting(base: str, number: int) -> str:
    return clip(base, MAX_NAME_BYTES - len(str(number))) if number else base


def expression_name(node: Tree) -> str:
    """Return what PostgreSQL calls a column computed by an expression; empty where it has no idea."""
    return _figure(node)[1]


def _figure(node: Tree) -> tuple[int, str]:
    """Return a name and how much it is worth: 2 a real one, 1 a type's, 0 none (`FigureColnameInternal`)."""
    kind = kind_of(node)
    inner = content(node) if kind else None
    if kind in _FIGURES:
        return _FIGURES[kind](inner)
    return (2, _FIXED[kind]) if kind in _FIXED else (0, "")


_FIXED = {"coalesce_expr": "coalesce", "a_array_expr": "array", "row_expr": "row", "grouping_func": "grouping"}


def _column(column: Tree) -> tuple[int, str]:
    parts = strings(column.fields)
    return (2, parts[-1]) if parts else (0, "")


def _indirection(node: Tree) -> tuple[int, str]:
    parts = strings(node.indirection)
    return (2, parts[-1]) if parts else _figure(node.arg)


def _function(call: Tree) -> tuple[int, str]:
    return 2, strings(call.funcname)[-1]


def _operator(expression: Tree) -> tuple[int, str]:
    return (2, "nullif") if field_enum(expression, "kind") == "AEXPR_NULLIF" else (0, "")


def _cast(cast: Tree) -> tuple[int, str]:
    worth, name = _figure(cast.arg)
    return (worth, name) if worth > 1 else (1, strings(cast.type_name.names)[-1])


def _collated(clause: Tree) -> tuple[int, str]:
    return _figure(clause.arg)


def _case(case: Tree) -> tuple[int, str]:
    worth, name = _figure(case.defresult)
    return (worth, name) if worth > 1 else (1, "case")


def _extreme(expression: Tree) -> tuple[int, str]:
    return 2, "greatest" if field_enum(expression, "op") == "IS_GREATEST" else "least"


_FIGURES: dict[str, Callable[[Tree], tuple[int, str]]] = {
    "column_ref": _column,
    "a_indirection": _indirection,
    "func_call": _function,
    "a_expr": _operator,
    "type_cast": _cast,
    "collate_clause": _collated,
    "case_expr": _case,
    "min_max_expr": _extreme,
}


def key_columns(constraint: Tree) -> tuple[str, ...]:
    """Return the columns of a UNIQUE or PRIMARY KEY that give its index a name, INCLUDE ones among them."""
    return (*strings(constraint.keys), *strings(constraint.including))
