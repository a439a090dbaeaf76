"""What a backfill does with the rows of a key range, whatever kind of move it is; the kinds are in `moves`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field

from psycopg import sql

from migrator.backfill.keyset import KeyRange
from migrator.postgres.tables import Table, named, raw


@dataclass(frozen=True, slots=True)
class Use:
    """What a move says about one table: the columns it writes, and expressions over the columns of its rows.

    `beside` is another table whose columns the expressions may name too.
    """

    table: str
    written: list[str] = field(default_factory=list)
    expressions: list[str] = field(default_factory=list)
    beside: str | None = None


def columns_shown(table: Table, columns: Iterable[str]) -> sql.Composable:
    """Return the expression for these columns of a row of `table`, as JSON."""
    pairs = [sql.SQL("{}, {}").format(text(column), named(table.called, column)) for column in columns]
    return sql.SQL("jsonb_build_object({})").format(sql.SQL(", ").join(pairs))


def text(value: str) -> sql.SQL:
    """Return a text as SQL in a statement with parameters."""
    return sql.SQL(sql.Literal(value).as_string().replace("%", "%%"))


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

    @property
    def writes(self) -> frozenset[str]:
        """The columns of rows of `table` that it changes."""
        return frozenset()

    @property
    def in_place(self) -> bool:
        """Whether it writes nothing but new versions of the rows in a key range, by conditions on them alone."""
        return False

    def goes_by_partition(self, columns: frozenset[str]) -> bool:
        """Tell whether it can be done partition by partition; `columns` tell partitions apart, "" is an expression."""
        return not self.writes or ("" not in columns and columns.isdisjoint(self.writes))

    @property
    def adds(self) -> bool:
        """Whether it makes new rows, so that what is `shown` of a row is what is made of it."""
        return False

    def shown(self) -> sql.Composable:
        """Return the expression, over a row of `table`, for what a person is shown of it, as JSON."""
        return sql.SQL("to_jsonb({})").format(self.table.alias)

    def size(self) -> sql.Composable:
        """Return the expression, over a row of `table`, for the bytes that it moves."""
        return sql.SQL("pg_column_size({}.*)").format(self.table.alias)

    def condition(self, within: KeyRange) -> sql.Composable:
        """Return the condition for the rows in `within` that it is for."""
        if self.where is None:
            return within.condition
        return sql.SQL("{} AND {}").format(within.condition, raw(self.where))
