"""Responsible for the form of a `gate` step; not for approvals, nor for looking for evidence."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import shorten
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema

from migrator.durations import DURATION_PATTERN, parse_duration
from migrator.plan.document import kind_of
from migrator.plan.fields import FieldError
from migrator.plan.names import identifiers
from migrator.plan.step import Part, Step

TITLE_WIDTH = 72
COLUMN_PARTS = (2, 3)


class Evidence(Part):
    """A column that nothing uses any more, as the server itself shows it. `period` is how it is written in the plan."""

    unused: str
    period: str = "1h"

    @property
    def seconds(self) -> float:
        return parse_duration(self.period).total_seconds()

    @property
    def words(self) -> str:
        return f"{self.unused} unused for {self.period}"


def _gate(value: object) -> object:
    if isinstance(value, str):
        if not value.strip():
            raise FieldError("must not be empty")
        return str(value).strip()
    if not isinstance(value, Mapping):
        raise FieldError(f"must be a text or {{unused: TABLE.COLUMN, for: 24h}}, not {kind_of(value)}")
    for key in value:
        if key not in ("unused", "for", "period"):
            raise FieldError("does not know this key", advice="a gate knows unused and for", at=(key,), on_key=True)
    return Evidence(unused=_column(value.get("unused")), period=_period(value.get("for", value.get("period", "1h"))))


def _column(value: object) -> str:
    try:
        parts = identifiers(str(value)) if isinstance(value, str) else ()
    except ValueError:
        parts = ()
    if len(parts) not in COLUMN_PARTS:
        raise FieldError(f"must be a column such as products.legacy_tags, not {kind_of(value)}", at=("unused",))
    return str(value)


def _period(value: object) -> str:
    try:
        parse_duration(str(value))
    except ValueError as error:
        raise FieldError(str(error), at=("for",)) from error
    return str(value)


_SCHEMA = WithJsonSchema(
    {
        "anyOf": [
            {"type": ["string", "number", "boolean"], "minLength": 1},
            {
                "type": "object",
                "properties": {"unused": {"type": "string"}, "for": {"type": "string", "pattern": DURATION_PATTERN}},
                "required": ["unused"],
                "additionalProperties": False,
            },
        ]
    }
)


class Gate(Step):
    """Stop until a person says with `migrator approve` that something is true, or the server shows it."""

    kind: ClassVar[str] = "gate"

    gate: Annotated[Evidence | str, BeforeValidator(_gate), _SCHEMA] = Field(
        description="What must be true before the run goes on, in words or as {unused: TABLE.COLUMN, for: 24h}."
    )

    @property
    def words(self) -> str:
        """What must be true, in words."""
        return self.gate.words if isinstance(self.gate, Evidence) else self.gate

    def title(self) -> str:
        """Return the kind and the beginning of the condition."""
        return shorten(f"gate {self.words}", TITLE_WIDTH, placeholder=" ...")
