"""Responsible for the form of a `verify` step; not for the query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from migrator.plan.fields import Expression, TableName
from migrator.plan.step import Phase, Step


class Verify(Step):
    """Check every row of a table and stop the run where one is wrong."""

    kind: ClassVar[str] = "verify"
    misplaced: ClassVar[Mapping[Phase, str]] = {
        Phase.CONTRACT: "once the old shape is being removed it is too late to find rows that differ",
    }
    names: ClassVar[frozenset[str]] = frozenset({"table"})

    table: TableName = Field(description="The table whose rows are checked.")
    none: Expression = Field(description="A boolean SQL expression over a row that may be true for none of them.")
    where: Expression | None = Field(default=None, description="Which rows to check; all of them without it.")

    def title(self) -> str:
        """Return the kind and the table."""
        return f"verify {self.table}"
