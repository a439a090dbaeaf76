"""What the rows of a table have in a column that is added to it."""

from __future__ import annotations

from enum import Enum

from migrator.check.schema.columns import is_required, is_serial, kinds_of, type_sql
from migrator.sql.column_type import read_type
from migrator.sql.parser import Tree, constant_text, field_enum, kind_of, strings


class OldRows(Enum):
    """What all rows that were there before a column have in it."""

    NULL = "NULL"
    ALIKE = "the same value"


def value_in_old_rows(column: Tree) -> OldRows | None:
    """Return what all rows have in a column that is added; None where it may differ, or PostgreSQL refuses it."""
    known = read_type(type_sql(column.type_name))
    computed = is_serial(column) or kinds_of(column) & {"CONSTR_IDENTITY", "CONSTR_GENERATED"}
    if computed or known is None or not known.built_in:
        return None
    constraints = (one.constraint for one in column.constraints)
    default = next((one.raw_expr for one in constraints if field_enum(one, "contype") == "CONSTR_DEFAULT"), None)
    if default is None or constant_text(default) == "NULL":
        return None if is_required(column) else OldRows.NULL
    return OldRows.ALIKE if _is_constant(default) else None


def _is_constant(node: Tree) -> bool:
    kind = kind_of(node)
    if kind == "type_cast":
        return _is_constant(node.type_cast.arg)
    return kind in ("a_const", "sqlvalue_function") or (
        kind == "func_call" and strings(node.func_call.funcname) == ("now",)
    )
