"""Splits SQL text into statements, each with its own text and place; not what a statement does."""

from __future__ import annotations

from dataclasses import dataclass, field

from migrator.sql.errors import OneStatementError
from migrator.sql.parser import Tree, content, field_enum, has_comments, kind_of, parse_tree, tokens
from migrator.sql.placeholders import server_text


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement: its exact text without the comments around it, where that stood, and its parse tree."""

    text: str
    offset: int
    """Characters before the statement in the text it came from."""
    line: int
    column: int
    kind: str
    """The node's name in the parse tree, such as ``alter_table_stmt``."""
    tree: Tree = field(repr=False, compare=False)
    """The node itself. Copy it before changing it."""

    def __str__(self) -> str:
        return self.text


def parse(text: str, *, pyformat: bool = False) -> tuple[Statement, ...]:
    """Return the statements in `text`, in order. Comments and empty statements are left out.

    Args:
        text: any number of statements.
        pyformat: the text goes to psycopg with parameters, so `%(name)s` and `%%` have its meaning. The statements
            then have the text and offsets the server sees.

    Raises:
        SqlError: not SQL; with line and column.
    """
    source = server_text(text) if pyformat else text
    raw_statements = parse_tree(source).stmts
    ruler = _Ruler(source.encode())
    return tuple(_statement(raw, ruler) for raw in raw_statements)


class _Ruler:
    """Moves forward through a text and knows the characters, lines and columns passed, whatever the text's size."""

    def __init__(self, encoded: bytes) -> None:
        self.encoded = encoded
        self.offset = 0
        self.line = 1
        self.column = 1
        self._byte = 0

    def move_to(self, byte: int) -> None:
        passed = self.encoded[self._byte : byte].decode()
        self.offset += len(passed)
        self.line += passed.count("\n")
        self.column = len(passed) - passed.rfind("\n") if "\n" in passed else self.column + len(passed)
        self._byte = byte


def _statement(raw: Tree, ruler: _Ruler) -> Statement:
    start: int = raw.stmt_location
    stop = start + raw.stmt_len if raw.stmt_len else len(ruler.encoded)
    exact = _without_trailing_comments(ruler.encoded[start:stop].decode())
    lead = len(exact) - len(exact.lstrip())
    ruler.move_to(start + len(exact[:lead].encode()))
    return Statement(exact.strip(), ruler.offset, ruler.line, ruler.column, kind_of(raw.stmt), content(raw.stmt))


def parse_one(text: str, *, pyformat: bool = False) -> Statement:
    """Return the only statement in `text`.

    Raises:
        SqlError: not SQL.
        OneStatementError: none, or several.
    """
    found = parse(text, pyformat=pyformat)
    if len(found) != 1:
        raise OneStatementError(f"expected one SQL statement, found {len(found)}", help="write one statement")
    return found[0]


def _without_trailing_comments(text: str) -> str:
    if not has_comments(text):
        return text
    last = max(token.end for token in tokens(text) if field_enum(token, "token") not in ("SQL_COMMENT", "C_COMMENT"))
    return text.encode()[:last].decode()
