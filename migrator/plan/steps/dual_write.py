"""Responsible for the form of a `dual_write` step; not for its triggers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

from pydantic import Field, model_validator

from migrator.plan.fields import ColumnMap, ColumnName, Expression, FieldError, TableName
from migrator.plan.names import canonical
from migrator.plan.step import Phase, Step


class DualWrite(Step):
    """Keep old and new columns in step while application code of both kinds writes. Contract removes the triggers."""

    kind: ClassVar[str] = "dual_write"
    misplaced: ClassVar[Mapping[Phase, str]] = {
        Phase.MIGRATE: "rows written between expand and migrate would have no new value",
        Phase.CONTRACT: "contract removes the old shape, so nothing is left to write twice",
    }
    names: ClassVar[frozenset[str]] = frozenset({"table", "into", "key"})

    table: TableName = Field(description="The table that the old application code writes.")
    forward: ColumnMap[Expression] = Field(
        description="New columns, each with the SQL expression that computes it from a row of `table`."
    )
    backward: ColumnMap[Expression] | None = Field(
        default=None,
        description="Old columns of `table`, each with the SQL expression that computes it from the new columns.",
    )
    into: TableName | None = Field(
        default=None, description="Another table that has the new columns, one row per row of `table`."
    )
    key: ColumnMap[ColumnName] | None = Field(
        default=None, description="Columns of `into`, each with the column of `table` that it equals. Goes with `into`."
    )

    @model_validator(mode="after")
    def _sides_fit(self) -> Self:
        if self.into and not self.key:
            raise FieldError(
                "needs the key by which its rows are found", advice="add key: {product_id: id}", at=("into",)
            )
        if self.key and not self.into:
            raise FieldError("goes with into", advice="add into: TABLE, or remove the key", at=("key",))
        if not self.into and self.backward:
            new = {canonical(column) for column in self.forward}
            for column in self.backward:
                if canonical(column) in new:
                    message = "is computed forward already, so each side would wait for the other"
                    raise FieldError(message, advice="keep it in one of them", at=("backward", column), on_key=True)
        return self

    def title(self) -> str:
        """Return the kind and the new columns."""
        return f"dual_write {self.into or self.table}.{', '.join(self.forward)}"
