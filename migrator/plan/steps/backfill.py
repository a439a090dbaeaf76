"""Responsible for the form of a `backfill` step; not for moving data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema

from migrator.plan.fields import (
    ColumnMap,
    Expression,
    FieldError,
    Flag,
    PositiveDuration,
    TableName,
    Text,
    whole_number,
)
from migrator.plan.step import Part, Phase, Step
from migrator.plan.throttle import Throttle

MIN_CHUNK_ROWS = 100
MAX_CHUNK_ROWS = 200_000

ChunkRows = Annotated[
    int,
    whole_number(MIN_CHUNK_ROWS, MAX_CHUNK_ROWS),
    WithJsonSchema({"type": "integer", "minimum": MIN_CHUNK_ROWS, "maximum": MAX_CHUNK_ROWS}),
]
MAX_WORKERS = 64
Workers = Annotated[
    int,
    whole_number(1, MAX_WORKERS),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MAX_WORKERS}),
]


MAX_SKIP = 10_000
SKIP = 100
"""What a bare `on_error: skip` lets through."""


class OnError(Part):
    """What happens when the database refuses a row; without it, the backfill stops there."""

    skip: Annotated[
        int, whole_number(1, MAX_SKIP), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MAX_SKIP})
    ] = Field(description="Leave up to so many rows for `backfill --retry-failed`.")


def _on_error(value: object) -> object:
    if isinstance(value, str):
        if value not in ("stop", "skip"):
            raise FieldError(f"must be stop, skip or {{skip: {SKIP}}}, not {value!r}")
        return OnError(skip=SKIP) if value == "skip" else None
    return value


class Backfill(Step):
    """Fill columns of rows that exist already, in small transactions that a stopped run resumes after."""

    kind: ClassVar[str] = "backfill"
    misplaced: ClassVar[Mapping[Phase, str]] = {
        Phase.CONTRACT: "the data must be in the new shape before the old one is removed",
    }
    tuning: ClassVar[frozenset[str]] = frozenset(
        {"chunk_rows", "chunk_target", "fixed", "workers", "on_error", "throttle", "irreversible"}
    )
    names: ClassVar[frozenset[str]] = frozenset({"table", "into"})

    table: TableName = Field(description="The table whose rows are read, and changed unless there is `into`.")
    set: ColumnMap[Expression] = Field(
        description="Columns to fill, each with an SQL expression over the columns of a row of `table`."
    )
    where: Expression | None = Field(
        default=None, description="Which rows still need work; makes repeating a chunk harmless."
    )
    into: TableName | None = Field(
        default=None, description="Insert one row into this table per row of `table` instead, unless it is there."
    )
    chunk_rows: ChunkRows = Field(default=10_000, description="Rows of the first chunk; later ones fit chunk_target.")
    chunk_target: PositiveDuration = Field(
        default=timedelta(milliseconds=500), description="How long a chunk should take."
    )
    fixed: Flag = Field(default=False, description="Keep to chunk_rows whatever a chunk takes.")
    workers: Workers = Field(default=1, description="How many connections fill it at once, each its own key range.")
    on_error: Annotated[
        OnError | None,
        BeforeValidator(_on_error),
        WithJsonSchema(
            {
                "anyOf": [
                    {"enum": ["stop", "skip"]},
                    {
                        "type": "object",
                        "properties": {"skip": {"type": "integer", "minimum": 1, "maximum": MAX_SKIP}},
                        "required": ["skip"],
                        "additionalProperties": False,
                    },
                ]
            }
        ),
    ] = Field(
        default=None,
        description="When the database refuses a row: `stop`, or `skip: N` leaves up to N for `--retry-failed`.",
    )
    throttle: Throttle | None = Field(default=None, description="When to wait for the rest of the system.")
    irreversible: Text | None = Field(
        default=None, description="Why it may overwrite values of columns that existed before the plan."
    )

    def title(self) -> str:
        """Return the kind and the columns it fills."""
        return f"backfill {self.into or self.table}.{', '.join(self.set)}"
