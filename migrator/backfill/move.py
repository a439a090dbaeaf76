"""What a backfill does with the rows of a key range, whatever kind of move it is; the kinds are in `moves`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from psycopg import sql

from migrator.backfill.keyset import KeyRange
from migrator.postgres.tables import Table, raw


@dataclass(frozen=True, slots=True)
class Use:
    """What a move says about one table: the columns it writes, and expressions over the columns of its rows.

    `beside` is another table whose columns the expressions may name too.
    """

    table: str
    written: list[str] = field(default_factory=list)
    expressions: list[str] = field(default_factory=list)
    beside: str | None = None


@dataclass(frozen=True, kw_only=True)
class Move(ABC):
    """Does something with the rows of `table` that fulfil `where`.

    `silent` says whether the triggers of a dual write stand aside, because the move writes what they would.
    """

    table: Table
    where: str | None = None
    silent: bool = True

    @abstractmethod
    def statement(self, within: KeyRange) -> sql.Composable:
        """Return the statement for the rows in `within`, returning one row per row written."""

    def parts(self, within: KeyRange) -> sql.Composable:
        """Return the same as parts of a WITH clause, the last of them called `migrator_moved`."""
        return sql.SQL("migrator_moved AS (\n    {}\n)").format(self.statement(within))

    @property
    def changed(self) -> Table:
        """The table whose rows it changes."""
        return self.table

    @property
    def knows_done(self) -> bool:
        """Whether a row that is done can be told from one that is not by `where`, so that no key is needed."""
        return self.where is not None

    def condition(self, within: KeyRange) -> sql.Composable:
        """Return the condition for the rows in `within` that it is for."""
        if self.where is None:
            return within.condition
        return sql.SQL("{} AND {}").format(within.condition, raw(self.where))
