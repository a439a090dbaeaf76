"""Responsible for the form of a `backfill` step; not for moving data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema

from migrator.plan.document import Scalar, kind_of
from migrator.plan.fields import (
    ArchiveName,
    ColumnMap,
    ColumnName,
    Expression,
    FieldError,
    Flag,
    FunctionName,
    Listing,
    Or,
    PositiveDuration,
    TableName,
    Text,
    whole_number,
)
from migrator.plan.names import identifiers
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
_WORKERS_SCHEMA = {"type": "integer", "minimum": 1, "maximum": MAX_WORKERS}
Workers = Annotated[int, whole_number(1, MAX_WORKERS), WithJsonSchema(_WORKERS_SCHEMA)]


class WorkerRange(Part):
    """How few and how many connections fill a table at once: as many as make it faster and the throttle lets be."""

    min: Workers = Field(default=1, description="So many there are at least.")
    max: Workers = Field(description="More there are never.")

    def __str__(self) -> str:
        return str(self.min) if self.min == self.max else f"{{min: {self.min}, max: {self.max}}}"


def _range(value: object) -> object:
    return value if isinstance(value, Mapping | WorkerRange) else {"min": value, "max": value}


def _in_order(value: WorkerRange) -> WorkerRange:
    if value.min > value.max:
        raise FieldError(f"must be at least min, which is {value.min}, not {value.max}", at=("max",))
    return value


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


class OnConflict(Part):
    """What becomes of a row of `into` that is there already."""

    key: Listing[ColumnName] = Field(description="The unique columns by which a row is the same.")
    update: ColumnMap[Expression] = Field(
        description="Columns to set in it, each with an expression; `excluded` is the row that would be inserted."
    )


def _on_conflict(value: object) -> object:
    if isinstance(value, str):
        if value != "nothing":
            raise FieldError(f"must be nothing or {{key: [...], update: {{...}}}}, not {value!r}")
        return None
    if isinstance(value, Mapping) and "key" in value and not value["key"]:
        raise FieldError("must name at least one column", at=("key",))
    return value


@dataclass(frozen=True, slots=True)
class Form:
    """One way to say what a backfill does: the keys it needs beside its own, and those that it takes."""

    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()


FORMS: Mapping[str, Form] = {
    "delete": Form(needs=("where",), takes=("archive",)),
    "python": Form(needs=("read", "write"), takes=("where",)),
    "sql": Form(),
    "from": Form(needs=("set", "join"), takes=("where",)),
    "into": Form(needs=("set",), takes=("where", "on_conflict")),
    "set": Form(takes=("where",)),
}
"""The kinds of moves by the key that tells them, the first that is there."""
_OF_FORMS = {key for name, form in FORMS.items() for key in (name, *form.needs, *form.takes)}


def _with_forms(schema: dict[str, Any]) -> None:
    schema["anyOf"] = [
        {
            "required": [name, *form.needs],
            "properties": dict.fromkeys(sorted(_OF_FORMS - {name, *form.needs, *form.takes}), False),
        }
        for name, form in FORMS.items()
    ]


def _only_true(value: object) -> object:
    if value is not True and not (isinstance(value, Scalar) and value.plain and value.lower() == "true"):
        raise FieldError(f"must be true, not {kind_of(value)}", advice="say with where which rows go")
    return True


class Backfill(Step):
    """Move data of rows that exist already, in small transactions that a stopped run resumes after.

    It fills columns (`set`), perhaps from another table (`from`), or rows of another table (`into`); it deletes rows
    (`delete`); or it does what a Python function (`python`) or a statement of its own (`sql`) says.
    """

    model_config = ConfigDict(json_schema_extra=_with_forms)

    kind: ClassVar[str] = "backfill"
    misplaced: ClassVar[Mapping[Phase, str]] = {
        Phase.CONTRACT: "the data must be in the new shape before the old one is removed",
    }
    tuning: ClassVar[frozenset[str]] = frozenset(
        {"chunk_rows", "chunk_target", "fixed", "workers", "on_error", "throttle", "irreversible"}
    )
    names: ClassVar[frozenset[str]] = frozenset({"table", "into", "from", "read", "write", "archive"})

    table: TableName = Field(description="The table whose rows are read, and changed unless there is `into`.")
    set: ColumnMap[Expression] | None = Field(
        default=None,
        description="Columns to fill, each with an SQL expression over the columns of a row of `table`.",
    )
    where: Expression | None = Field(
        default=None, description="Which rows still need work; makes repeating a chunk harmless."
    )
    into: TableName | None = Field(
        default=None, description="Insert one row into this table per row of `table` instead, unless it is there."
    )
    on_conflict: Annotated[OnConflict | None, BeforeValidator(_on_conflict), Or({"const": "nothing"})] = Field(
        default=None,
        description="What becomes of a row of `into` that is there: `nothing`, "
        "or `{key: [id], update: {body: excluded.body}}`.",
    )
    source: TableName | None = Field(
        default=None, alias="from", description="Another table, whose columns the expressions of `set` may name too."
    )
    join: Expression | None = Field(
        default=None, description="Which row of `from` belongs to a row of `table`; a row with several is refused."
    )
    delete: Annotated[Literal[True] | None, BeforeValidator(_only_true), WithJsonSchema({"const": True})] = Field(
        default=None, description="Delete the rows that fulfil `where`."
    )
    archive: Listing[ArchiveName] = Field(
        default=(), description="`[TABLE]`: keep the rows that are deleted until `migrator purge`."
    )
    python: FunctionName | None = Field(
        default=None, description="A function, `module:name`, that makes the new values of some rows at a time."
    )
    read: Listing[ColumnName] = Field(default=(), description="The columns that the function is given.")
    write: Listing[ColumnName] = Field(default=(), description="The columns whose values it returns.")
    sql: Text | None = Field(
        default=None,
        description="A statement that is run once per chunk, bounded by `BETWEEN :first AND :last` of the key.",
    )
    chunk_rows: ChunkRows = Field(default=10_000, description="Rows of the first chunk; later ones fit chunk_target.")
    chunk_target: PositiveDuration = Field(
        default=timedelta(milliseconds=500), description="How long a chunk should take."
    )
    fixed: Flag = Field(default=False, description="Keep to chunk_rows whatever a chunk takes.")
    workers: Annotated[WorkerRange, BeforeValidator(_range), AfterValidator(_in_order), Or(_WORKERS_SCHEMA)] = Field(
        default=WorkerRange(min=1, max=1),
        description="How many connections fill it at once, each its own key range: `4`, or `{min: 1, max: 8}`.",
    )
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
        description="What comes of rows that the database refuses: `stop` names them when all others are done, "
        "`skip: N` leaves up to N for `--retry-failed`.",
    )
    throttle: Throttle | None = Field(default=None, description="When to wait for the rest of the system.")
    irreversible: Text | None = Field(
        default=None,
        description="Why it may overwrite what was there before the plan, or delete it without an archive.",
    )

    @property
    def move(self) -> str:
        """The key of `FORMS` that says what it does."""
        return next(key for key in FORMS if getattr(self, "source" if key == "from" else key))

    @classmethod
    def misfits(cls, content: Mapping[str, object]) -> Iterator[FieldError]:
        """Yield which keys do not go with what the step does, and which are missing."""
        name = next((key for key in FORMS if key in content), None)
        if name is None:
            if not cls.mistypes(content, FORMS):
                *others, last = FORMS
                advice = f"add one of {', '.join(others)} and {last}"
                yield FieldError("does not say what it does", advice=advice, missing=True)
            return
        form = FORMS[name]
        for key in content:
            if key in _OF_FORMS - {name, *form.needs, *form.takes}:
                yield FieldError(f"has {key}, which does not go with {name}", at=(key,), on_key=True)
        for key in form.needs:
            if not content.get(key):
                yield FieldError(f"needs {key}", advice=f"add {key} beside it", at=(name,), on_key=True, missing=True)
        yield from _same_table(content)
        yield from _own_archive(content)

    def title(self) -> str:
        """Return the kind and what it fills, or how it changes its table otherwise."""
        columns = self.set or self.write
        return f"backfill {self.into or self.table}" + (f".{', '.join(columns)}" if columns else f" by {self.move}")


def _own_archive(content: Mapping[str, object]) -> Iterator[FieldError]:
    table, kept = content.get("table"), content.get("archive")
    if isinstance(table, str) and isinstance(kept, list) and kept != [table]:
        yield FieldError("must name the table whose rows are deleted", advice=f"write [{table}]", at=("archive",))


def _same_table(content: Mapping[str, object]) -> Iterator[FieldError]:
    try:
        table, source = (identifiers(str(content.get(key, "")))[-1] for key in ("table", "from"))
    except ValueError:
        return
    if table == source:
        yield FieldError(
            "must be another table", advice="use a subquery in set: (SELECT p.name FROM t p WHERE ...)", at=("from",)
        )
