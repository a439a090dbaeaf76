"""Responsible for the form of a `verify` step; not for the query."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import ClassVar

from pydantic import ConfigDict, Field

from migrator.plan.fields import ColumnMap, Expression, FieldError, PositiveDuration, TableName
from migrator.plan.step import Phase, Step
from migrator.plan.throttle import Throttle

QUESTIONS = ("none", "same")
"""The keys of which one says what a row is looked at for."""


class Verify(Step):
    """Check every row of a table and stop the run where one is wrong.

    Either no row may fulfil a condition (`none`), or columns must hold what expressions give (`same`), perhaps over the
    row of another table that belongs to it (`from`, `join`); a row without such a one is wrong, too.
    """

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": [key]} for key in QUESTIONS]})
    kind: ClassVar[str] = "verify"
    misplaced: ClassVar[Mapping[Phase, str]] = {
        Phase.CONTRACT: "once the old shape is being removed it is too late to find rows that differ",
    }
    tuning: ClassVar[frozenset[str]] = frozenset({"chunk_target", "throttle"})
    names: ClassVar[frozenset[str]] = frozenset({"table", "from"})

    table: TableName = Field(description="The table whose rows are checked.")
    none: Expression | None = Field(
        default=None, description="A boolean SQL expression over a row that may be true for none of them."
    )
    same: ColumnMap[Expression] | None = Field(
        default=None, description="Columns of `table`, each with an SQL expression whose value it must hold."
    )
    source: TableName | None = Field(
        default=None, alias="from", description="Another table, whose columns the expressions of `same` may name too."
    )
    join: Expression | None = Field(default=None, description="Which row of `from` belongs to a row of `table`.")
    where: Expression | None = Field(default=None, description="Which rows to check; all of them without it.")
    chunk_target: PositiveDuration = Field(
        default=timedelta(milliseconds=500), description="How long the look at one range of rows should take."
    )
    throttle: Throttle | None = Field(default=None, description="When to wait for the rest of the system.")

    @classmethod
    def misfits(cls, content: Mapping[str, object]) -> Iterator[FieldError]:
        """Yield which keys do not go together, and which are missing."""
        asked = [key for key in QUESTIONS if key in content]
        if not asked and not cls.mistypes(content, QUESTIONS):
            yield FieldError("does not say what to look for", advice="add none or same", missing=True)
        elif len(asked) > 1:
            yield FieldError("has both none and same", advice="make it two steps", at=("same",), on_key=True)
        for key, other in (("from", "join"), ("join", "from"), ("from", "same")):
            if key in content and other not in content:
                yield FieldError(
                    f"needs {other}", advice=f"add {other} beside it", at=(key,), on_key=True, missing=True
                )

    def title(self) -> str:
        """Return the kind and the table."""
        return f"verify {self.table}"
