"""What a constant means to a column: whether it is a value of its type, and fits into it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from migrator.check.schema.schema import Schema
from migrator.sql.column_type import read_type
from migrator.sql.names import Name
from migrator.sql.parser import Tree, constant_text, kind_of, strings

_NUMBER = re.compile(
    r"\s*[+-]?(?:\d[\d_]*|0[xob][\da-f_]+)\s*|\s*[+-]?(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:e[+-]?[\d_]+)?\s*"
    r"|\s*[+-]?(?:nan|inf(?:inity)?)\s*",
    re.IGNORECASE,
)
_INTEGER = re.compile(r"\s*[+-]?(?:\d[\d_]*|0[xob][\da-f_]+)\s*", re.IGNORECASE)
_TRUTH = re.compile(r"\s*(?:t|tr|tru|true|y|ye|yes|on|1|f|fa|fal|fals|false|n|no|of|off|0)\s*", re.IGNORECASE)
_MOMENT = re.compile(
    r".*(?:\d|\b(?:now|today|tomorrow|yesterday|epoch|allballs|infinity)\b).*", re.IGNORECASE | re.DOTALL
)
"""PostgreSQL passes over punctuation around these words: 'now()' is a time."""
_UUID = re.compile(r"\s*\{?[\da-f]{4}(?:-?[\da-f]{4}){7}\}?\s*", re.IGNORECASE)
_ARRAY = re.compile(r"\s*(?:(?:\[[\d:+-]+\]\s*)+=\s*)?\{.*\}\s*", re.DOTALL)
_RANGE = re.compile(r"\s*(?:empty|[\[(].*,.*[\])])\s*", re.IGNORECASE | re.DOTALL)
_FORMS: Mapping[str, re.Pattern[str]] = {
    **dict.fromkeys(("int2", "int4", "int8"), _INTEGER),
    **dict.fromkeys(("numeric", "float4", "float8"), _NUMBER),
    **dict.fromkeys(("date", "timestamp", "timestamptz", "time", "timetz"), _MOMENT),
    **dict.fromkeys(("int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange"), _RANGE),
    "interval": re.compile(r".*(?:\d|infinity).*", re.IGNORECASE | re.DOTALL),
    **dict.fromkeys(("inet", "cidr"), re.compile(r".*[\d:].*", re.DOTALL)),
    "bool": _TRUTH,
    "uuid": _UUID,
}
"""What PostgreSQL reads as a value of the type, or more: never less."""
Value = Decimal | str


def is_no_value(text: str, type_: str, schema: Schema) -> bool:
    """Say whether a text in quotes is certainly no value of the type."""
    known = read_type(type_)
    if known is None:
        return False
    if known.array:
        return _ARRAY.fullmatch(text) is None or any(is_no_value(one, _element(type_), schema) for one in _plain(text))
    labels = next((labels for name, labels in schema.enums.items() if name.same(Name(known.name, known.schema))), None)
    if labels is not None:
        return text not in labels
    if known.built_in and known.name in ("json", "jsonb"):
        return not _is_json(text)
    form = _FORMS.get(known.name) if known.built_in else None
    return form is not None and (form.fullmatch(text) is None or (form is _MOMENT and _is_no_day(text)))


def _is_no_day(text: str) -> bool:
    """Say whether it begins with a date as ISO 8601 writes it, of a day that there is not."""
    found = re.match(r"\s*(\d{4})-(\d\d)-(\d\d)(?!\d)", text)
    if found is None or found[1] == "0000":
        return False
    try:
        date(*map(int, found.groups()))
    except ValueError:
        return True
    return False


def _element(type_: str) -> str:
    return type_.partition("[")[0]


def _plain(array: str) -> list[str]:
    """Return the elements of an array of one dimension in which nothing is quoted."""
    inside = array.strip()[1:-1].strip()
    odd = not array.strip().startswith("{") or any(one in inside for one in '{}"\\')
    return [] if odd or not inside else [one.strip() for one in inside.split(",") if one.strip().lower() != "null"]


def is_too_large(value: Value, type_: str) -> bool:
    """Say whether a constant certainly does not fit into the type: too long, or out of its range."""
    known = read_type(type_)
    if known is None or known.array or not known.built_in:
        return False
    if known.name in ("varchar", "bpchar") and isinstance(value, str):
        # What is too long by blanks alone is cut off.
        return bool(known.modifiers) and 0 < known.modifiers[0] < len(value.rstrip(" "))
    number = value if isinstance(value, Decimal) else Decimal(value) if _PLAIN.fullmatch(value) else None
    if number is None:
        return False
    if known.name in _BITS:
        return round(number) not in range(-(2 ** _BITS[known.name]), 2 ** _BITS[known.name])
    if known.name == "numeric" and known.modifiers:
        precision, scale = (*known.modifiers, 0)[:2]
        return abs(round(number, scale)) >= Decimal(10) ** (precision - scale)
    return False


_PLAIN = re.compile(r"-?\d{1,40}(?:\.\d{1,40})?")
_BITS = {"int2": 15, "int4": 31, "int8": 63}


def _is_json(text: str) -> bool:
    """Say whether it may be JSON: Python takes all that PostgreSQL takes, and more."""
    try:
        json.loads(text, strict=False)
    except json.JSONDecodeError:
        return False
    except (ValueError, RecursionError):
        return True
    return True


def value_of(node: Tree) -> Value | None:
    """Return a constant of the tree; None where the node is none, or NULL."""
    if kind_of(node) == "type_cast":
        return value_of(node.type_cast.arg)
    if kind_of(node) == "a_expr" and strings(node.a_expr.name) == ("-",) and not node.a_expr.HasField("lexpr"):
        number = value_of(node.a_expr.rexpr)
        return -number if isinstance(number, Decimal) else None
    if kind_of(node) != "a_const" or node.a_const.isnull:
        return None
    which = node.a_const.WhichOneof("val")
    if which not in ("ival", "fval", "sval"):
        return None
    text = constant_text(node)
    return text if which == "sval" else Decimal(text)
