"""Splits SQL text into statements, each with its own text and place; not what a statement does."""

from __future__ import annotations

from dataclasses import dataclass, field

from migrator.sql.errors import OneStatementError
from migrator.sql.parser import Tree, content, field_enum, has_comments, kind_of, parse_tree, position, tokens
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
    result = parse_tree(source)
    encoded = source.encode()
    ascii_only = len(encoded) == len(source)
    statements = []
    for raw in result.stmts:
        start: int = raw.stmt_location
        stop = start + raw.stmt_len if raw.stmt_len else len(encoded)
        offset = start if ascii_only else len(encoded[:start].decode())
        exact = _without_trailing_comments(encoded[start:stop].decode())
        lead = len(exact) - len(exact.lstrip())
        line, column, _ = position(source, offset + lead)
        node = raw.stmt
        statements.append(Statement(exact.strip(), offset + lead, line, column, kind_of(node), content(node)))
    return tuple(statements)


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
