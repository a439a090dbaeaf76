"""Looks into DO blocks: the statements that their PL/pgSQL sends, as far as they are written out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from migrator.sql.errors import SqlError
from migrator.sql.parser import constant_text, parse_tree
from migrator.sql.plpgsql import parse_block
from migrator.sql.statement import Statement, parse

_SENT = {"PLpgSQL_stmt_execsql": "sqlstmt", "PLpgSQL_stmt_perform": "expr", "PLpgSQL_stmt_dynexecute": "query"}


def inner_statements(statement: Statement) -> tuple[Statement, ...]:
    """Return the statements in a DO block, in order; those put together at run time are left out."""
    return tuple(one for text in _texts(statement) if text is not None for one in _parsed(text))


def is_opaque(statement: Statement) -> bool:
    """Say whether a DO block sends something that is not written out, or cannot be read at all."""
    return any(text is None for text in _texts(statement))


def _parsed(text: str) -> tuple[Statement, ...]:
    try:
        return parse(text)
    except SqlError:
        return ()


def _texts(statement: Statement) -> Iterator[str | None]:
    if statement.kind != "do_stmt":
        return
    block = parse_block(statement.text)
    if block is None:
        yield None
        return
    yield from (_text(node, field) for node, field in _sending(block))


def _sending(node: Any) -> Iterator[tuple[dict[str, Any], str]]:
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    if isinstance(node, dict):
        for kind in _SENT:
            if kind in node:
                yield node[kind], kind
    for child in children:
        yield from _sending(child)


def _text(node: dict[str, Any], kind: str) -> str | None:
    query: str = node[_SENT[kind]]["PLpgSQL_expr"]["query"]
    return query if kind != "PLpgSQL_stmt_dynexecute" else _literal(query)


def _literal(expression: str) -> str | None:
    """Return the text that a string literal stands for, or None for anything else."""
    try:
        select = parse_tree(f"SELECT {expression}").stmts[0].stmt.select_stmt
    except SqlError:
        return None
    return constant_text(select.target_list[0].res_target.val) or None
