"""The ways in which SQL text cannot be understood; not what is wrong with SQL that can."""

from __future__ import annotations

from migrator.errors import Location, UsageError


class SqlError(UsageError):
    r"""PostgreSQL's own grammar does not accept this SQL.

    The text was parsed with the grammar of PostgreSQL 18 before anything was sent to a server. Correct the SQL at the
    line and column shown. Commands of psql (`\d`, `\copy`) and data lines after `COPY ... FROM stdin` are not SQL.

    Attributes:
        line: line of the mistake within the text, counted from 1.
        column: column of the mistake within the line, counted from 1.
        excerpt: the line as it stands in the text.
    """

    code = "MG140"

    def __init__(
        self,
        message: str,
        *,
        line: int,
        column: int,
        excerpt: str,
        where: Location | None = None,
        help: str = "",  # noqa: A002 - the word users see
    ) -> None:
        super().__init__(
            f"{message} (line {line}, column {column})",
            where=where,
            notes=(excerpt, " " * (column - 1) + "^") if excerpt else (),
            help=help,
        )
        self.line = line
        self.column = column
        self.excerpt = excerpt


class OneStatementError(UsageError):
    """The text holds no statement, or several, where exactly one is expected. Remove the others."""

    code = "MG141"


class ExpressionError(UsageError):
    """An expression of a plan is not one value computed from one row.

    Write it as it would stand behind `SET column =` or `WHERE`: columns of the row, functions, operators, and
    subqueries in parentheses. No aggregate or window function outside a subquery, no parameter, no `;`.

    Attributes:
        column: where in the expression the mistake is, counted from 1; 0 when it is the whole of it.
    """

    code = "MG142"

    def __init__(self, message: str, *, column: int = 0, where: Location | None = None) -> None:
        super().__init__(message, where=where, help="write one SQL expression over the columns of the row")
        self.column = column


class BoundsError(UsageError):
    """The statement of a `sql:` move does not keep to the keys of a chunk.

    It is run once per chunk, and must do what belongs to the rows from `:first` to `:last`, both included, and nothing
    else: one UPDATE, DELETE or INSERT ... SELECT whose WHERE says so, joined by AND to what else there is, of the key
    of the table that is walked: `id BETWEEN :first AND :last`; `(a, b) BETWEEN :first AND :last` where it has several
    columns.
    """

    code = "MG144"

    def __init__(self, message: str, *, where: Location | None = None) -> None:
        help_line = "bound the key in its WHERE, beside AND: WHERE id BETWEEN :first AND :last"
        super().__init__(message, where=where, help=help_line)


class NameSyntaxError(UsageError):
    """A name of a table or column is not written as SQL writes it.

    Letters, digits and `_` need no quotes and become lower case; anything else goes into double quotes, `"like this"`.
    A dot separates schema and name.
    """

    code = "MG143"
