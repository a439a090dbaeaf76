"""Responsible for the kinds of values that keys of a plan have; not for which key has which.

Each type reads the text in the file as well as the Python value that code would pass, and says in its JSON Schema what
an editor should accept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import AfterValidator, BeforeValidator, GetJsonSchemaHandler, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from migrator.durations import DURATION_PATTERN, MAX_LOCK_TIMEOUT, parse_duration
from migrator.plan.document import Scalar, kind_of, plain_null
from migrator.plan.names import identifiers

T = TypeVar("T")

MILLISECOND = timedelta(milliseconds=1)


class FieldError(ValueError):
    """A value that its key cannot have.

    Attributes:
        message: completes a sentence that starts with the name of the key.
        at: the keys that lead from the validated value to the part that is wrong.
        on_key: whether it is the last of these keys that is wrong, and not its value.
        missing: whether it is a key that is not there.
    """

    def __init__(
        self,
        message: str,
        *,
        advice: str = "",
        at: tuple[str | int, ...] = (),
        on_key: bool = False,
        missing: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.at = at
        self.on_key = on_key
        self.missing = missing


class Or:
    """Says in the schema that a plain text may stand for a mapping."""

    def __init__(self, *texts: dict[str, Any]) -> None:
        self._texts = texts

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [*self._texts, handler(core)]}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise FieldError(f"must be a text, not {kind_of(value)}")
    text = str(value).strip()
    if not text:
        raise FieldError("must not be empty")
    return text


def _matching(pattern: str, what: str) -> Callable[[str], str]:
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise FieldError(f"must be {what}, not {text!r}")
        return text

    return check


def _name_of(what: str, most_parts: int) -> Callable[[str], str]:
    def check(text: str) -> str:
        try:
            parts = identifiers(text)
        except ValueError as error:
            raise FieldError(f"must be {what}, not {text!r}", advice=str(error)) from error
        if len(parts) > most_parts:
            raise FieldError(f"must be {what}, not {text!r}")
        return text

    return check


def _revision_id(text: str) -> str:
    if text in {"head", "heads", "base"} or re.search(r"[\s@+:-]", text):
        raise FieldError(
            f"must be the id of one revision, not {text!r}",
            advice="a plan names its revisions, so that it means the same tomorrow: see `alembic history`",
        )
    return text


def _flag(value: object) -> object:
    if isinstance(value, Scalar):
        if value.plain and value.lower() in {"true", "false"}:
            return value.lower() == "true"
        raise FieldError(f"must be true or false, not {kind_of(value)}")
    if not isinstance(value, bool):
        raise FieldError(f"must be true or false, not {kind_of(value)}")
    return value


def _duration(value: object, least: timedelta = timedelta(0), most: timedelta | None = None) -> timedelta:
    if isinstance(value, timedelta):
        return value
    bounds = {"least": least} if most is None else {"least": least, "most": most}
    try:
        return parse_duration(_text(value), **bounds)
    except FieldError:
        raise
    except ValueError as error:
        in_seconds = re.fullmatch("[0-9]+", str(value))
        raise FieldError(str(error), advice=f"did you mean {value}s?" if in_seconds else "") from error


def whole_number(least: int, most: int) -> BeforeValidator:
    """Return a validator for a number that is written in decimal digits."""

    def check(value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool):
            number = value
        elif isinstance(value, Scalar) and value.plain and re.fullmatch("0|[1-9][0-9]{0,17}", value):
            number = int(value)
        else:
            raise FieldError(f"must be a whole number from {least} to {most}, not {kind_of(value)}")
        if not least <= number <= most:
            raise FieldError(f"must be from {least} to {most}, not {number}")
        return number

    return BeforeValidator(check)


def _entries(value: object) -> object:
    if plain_null(value):
        return ()
    if not isinstance(value, list | tuple):
        raise FieldError(f"must be a list, not {kind_of(value)}", advice="write each entry behind a dash of its own")
    return tuple(value)


def _columns(value: object) -> object:
    if not isinstance(value, Mapping):
        raise FieldError(f"must be a mapping of columns, not {kind_of(value)}", advice="write {column: value}")
    if not value:
        raise FieldError("must name at least one column")
    seen: dict[tuple[str, ...], str] = {}
    for name in value:
        try:
            first = seen.setdefault(identifiers(name), name)
        except ValueError as error:
            raise FieldError(f"must name columns, not {name!r}", advice=str(error), at=(name,), on_key=True) from error
        if first != name:
            raise FieldError(f"names one column twice: {first} and {name}", at=(name,), on_key=True)
        if len(identifiers(name)) > 1:
            raise FieldError(f"must name columns without their table, not {name!r}", at=(name,), on_key=True)
    return value


def _schema(kind: object = "string", **more: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": kind, **more})


# A scalar that an editor reads as a number or a boolean is still a text to migrator.
_ANY_SCALAR = ["string", "number", "boolean"]
_DURATION_SCHEMA = _schema(pattern=DURATION_PATTERN, examples=["500ms", "2s", "10m", "1h", "30d"])

Text: TypeAlias = Annotated[str, BeforeValidator(_text), _schema(_ANY_SCALAR, minLength=1)]
Expression: TypeAlias = Annotated[str, BeforeValidator(_text), _schema(_ANY_SCALAR, minLength=1)]
"""SQL over the columns of a row, as written; whether it can be parsed is not known here."""

PLAN_NAME_PATTERN = "^[a-z0-9][a-z0-9_-]*$"
PlanName: TypeAlias = Annotated[
    str,
    AfterValidator(_matching(PLAN_NAME_PATTERN, "lower-case letters, digits, - and _, such as product-tags")),
    BeforeValidator(_text),
    _schema(_ANY_SCALAR, pattern=PLAN_NAME_PATTERN),
]
FUNCTION_PATTERN = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$"
FunctionName: TypeAlias = Annotated[
    str,
    AfterValidator(_matching(FUNCTION_PATTERN, "a function such as moves.slugs:make")),
    BeforeValidator(_text),
    _schema(pattern=FUNCTION_PATTERN),
]
RevisionId: TypeAlias = Annotated[
    str,
    AfterValidator(_revision_id),
    BeforeValidator(_text),
    _schema(_ANY_SCALAR, minLength=1),
]
TableName: TypeAlias = Annotated[
    str,
    AfterValidator(_name_of("a table such as products or shop.products", 2)),
    BeforeValidator(_text),
    _schema(_ANY_SCALAR, minLength=1),
]
ColumnName: TypeAlias = Annotated[
    str,
    AfterValidator(_name_of("a column such as product_id", 1)),
    BeforeValidator(_text),
    _schema(_ANY_SCALAR, minLength=1),
]
ArchiveName: TypeAlias = Annotated[
    str,
    AfterValidator(_name_of("a table or a column such as products.legacy_tags", 3)),
    BeforeValidator(_text),
    _schema(_ANY_SCALAR, minLength=1),
]
Flag: TypeAlias = Annotated[bool, BeforeValidator(_flag), _schema("boolean")]
Duration: TypeAlias = Annotated[timedelta, BeforeValidator(_duration), _DURATION_SCHEMA]
PositiveDuration: TypeAlias = Annotated[
    timedelta, BeforeValidator(lambda value: _duration(value, MILLISECOND)), _DURATION_SCHEMA
]
LockTimeout: TypeAlias = Annotated[
    timedelta, BeforeValidator(lambda value: _duration(value, MILLISECOND, MAX_LOCK_TIMEOUT)), _DURATION_SCHEMA
]
Listing: TypeAlias = Annotated[tuple[T, ...], BeforeValidator(_entries)]
ColumnMap: TypeAlias = Annotated[Mapping[str, T], BeforeValidator(_columns)]
