"""Whether PostgreSQL assigns an expression to a column, as far as both are told by the text alone."""

from __future__ import annotations

from decimal import Decimal

from migrator.check.literals import is_no_value, is_too_large, value_of
from migrator.check.schema.schema import Schema
from migrator.sql.column_type import Type, read_type, type_of
from migrator.sql.context import Column
from migrator.sql.names import Name, quote
from migrator.sql.parser import Tree, field_enum, kind_of, strings

_GROUPS = {
    **dict.fromkeys(("int2", "int4", "int8", "numeric", "float4", "float8"), "a number"),
    **dict.fromkeys(("text", "varchar", "bpchar"), "a text"),
    **dict.fromkeys(("date", "timestamp", "timestamptz"), "a time"),
    **dict.fromkeys(("json", "jsonb"), "JSON"),
    "bool": "a truth value",
    "uuid": "a UUID",
}
"""Types that PostgreSQL assigns to each other. Between two groups it does not, but for texts, which take anything."""
_TAKES_ANYTHING = "a text"
_OF_FUNCTIONS = {
    **dict.fromkeys(("now", "clock_timestamp", "statement_timestamp", "transaction_timestamp"), "a time"),
    **dict.fromkeys(("gen_random_uuid", "uuid_generate_v4", "uuidv4", "uuidv7"), "a UUID"),
    **dict.fromkeys(("nextval", "random"), "a number"),
    **dict.fromkeys(("jsonb_build_object", "jsonb_build_array", "json_build_object", "to_jsonb"), "JSON"),
    **dict.fromkeys(("md5", "to_char"), "a text"),
}
_TIMES = ("SVFOP_CURRENT_DATE", "SVFOP_CURRENT_TIMESTAMP", "SVFOP_CURRENT_TIMESTAMP_N", "SVFOP_LOCALTIMESTAMP",
          "SVFOP_LOCALTIMESTAMP_N")  # fmt: skip
_CONSTANTS = {"ival": "a number", "fval": "a number", "boolval": "a truth value"}


def refusal(expression: Tree, column: Column, schema: Schema) -> str | None:
    """Return why PostgreSQL certainly refuses a statement that assigns the expression; None where it may take it."""
    if not column.type:
        return None
    name, value = quote(column.name), value_of(expression)
    what = mismatch(expression, column.type, schema)
    if what is not None:
        return f"{name} is {column.type}, and this is {what}"
    if isinstance(value, str) and is_no_value(value, column.type, schema):
        return f"{name} is {column.type}, and the text is no value of it"
    return None


def overflow(expression: Tree, column: Column) -> str | None:
    """Return why a row that gets the value cannot be written; a default is not looked at so until it is used."""
    value = value_of(expression)
    if value is None or not column.type or kind_of(expression) == "type_cast" or not is_too_large(value, column.type):
        return None
    what = str(value) if isinstance(value, Decimal) else f"a text of {len(value)} characters"
    return f"{what} does not fit into {quote(column.name)}, which is {column.type}"


def mismatch(expression: Tree, type_: str, schema: Schema) -> str | None:
    """Return what the expression is, where a column of the type certainly does not take it."""
    target, source = _group(read_type(type_), schema), _group_of(expression, schema)
    apart = "" not in (target, source) and target not in (source, _TAKES_ANYTHING)
    return source if apart else None


def _group(known: Type | None, schema: Schema) -> str:
    if known is None:
        return ""
    if known.array:
        return "an array"
    if any(name.same(Name(known.name, known.schema)) for name in schema.enums):
        return "a label of an enum"
    return _GROUPS.get(known.name, "") if known.built_in else ""


def _group_of(node: Tree, schema: Schema) -> str:
    kind, group = kind_of(node), ""
    if kind == "a_const" and not node.a_const.isnull:
        group = _CONSTANTS.get(node.a_const.WhichOneof("val"), "")
    elif kind == "type_cast":
        group = _group(type_of(node.type_cast.type_name), schema)
    elif kind == "a_array_expr":
        group = "an array"
    elif kind == "sqlvalue_function" and field_enum(node.sqlvalue_function, "op") in _TIMES:
        group = "a time"
    elif kind == "func_call":
        name = strings(node.func_call.funcname)
        group = _OF_FUNCTIONS.get(name[-1], "") if name[:-1] in ((), ("pg_catalog",)) else ""
    elif kind == "a_expr" and not node.a_expr.HasField("lexpr") and strings(node.a_expr.name) == ("-",):
        group = _group_of(node.a_expr.rexpr, schema)
    return group
