"""Looks into DO blocks, and functions that the script itself made: what they send, as far as it is written out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from migrator.check.schema.schema import Body, Schema
from migrator.sql.errors import SqlError
from migrator.sql.names import literal, quote
from migrator.sql.parser import Tree, constant_text, deparse, find, kind_of, option, parse_tree, strings
from migrator.sql.plpgsql import parse_block, parse_body
from migrator.sql.statement import Statement, parse
from migrator.sql.volatility import function_name

_SENT = {"PLpgSQL_stmt_execsql": "sqlstmt", "PLpgSQL_stmt_perform": "expr", "PLpgSQL_stmt_dynexecute": "query"}
_OPEN_LOOPS = frozenset({"PLpgSQL_stmt_fors", "PLpgSQL_stmt_dynfors", "PLpgSQL_stmt_loop", "PLpgSQL_stmt_while"})
"""Loops whose number of rounds is not written in them."""
_CALLS = frozenset({"select_stmt", "call_stmt"})


def inner_statements(statement: Statement, schema: Schema | None = None) -> tuple[Statement, ...]:
    """Return what a DO block sends, or a function of the script that is called, without what is put together then."""
    if statement.kind in _CARRIERS:
        text = _carried(statement, schema)
        return _parsed(text) if text else ()
    if statement.kind in _CALLS:
        bodies = _called(statement, schema.bodies if schema else {})
        return tuple(one for body in bodies for one in statements_of(body))
    return tuple(one for text in _texts(statement) if text is not None for one in _parsed(text))


def statements_of(body: Body) -> tuple[Statement, ...]:
    """Return what a function sends, without what is put together then."""
    return tuple(one for text in _texts_of_body(body) if text for one in _parsed(text))


def gives_nothing_back(body: Body) -> bool:
    """Say whether a function in PL/pgSQL returns NULL wherever it returns."""
    found = [node for kind, node in _nodes(parse_body(body.text, body.parameters)) if kind == "PLpgSQL_stmt_return"]
    returned = [one["expr"]["PLpgSQL_expr"]["query"].strip().upper() for one in found if "expr" in one]
    return bool(returned) and set(returned) == {"NULL"}


_CARRIERS = frozenset({"explain_stmt", "copy_stmt", "execute_stmt"})


def _carried(statement: Statement, schema: Schema | None) -> str:
    """Return the change that EXPLAIN ANALYZE, COPY (...) TO or EXECUTE runs."""
    tree = statement.tree
    if statement.kind == "execute_stmt":
        return schema.prepared.get(tree.name, "") if schema else ""
    runs = statement.kind == "copy_stmt" or option(tree.options, "analyze")
    return deparse(tree.query) if runs and kind_of(tree.query) in _CHANGING else ""


_CHANGING = frozenset({"insert_stmt", "update_stmt", "delete_stmt", "merge_stmt"})


def is_opaque(statement: Statement) -> bool:
    """Say whether a DO block sends something that is not written out, or cannot be read at all."""
    return any(text is None or SOME_NAME in text for text in _texts(statement))


SOME_NAME = "<name>"
"""Stands for an identifier that a block puts into a statement, and that is not written in it."""


def looped_changes(statement: Statement) -> Iterator[Statement]:
    """Yield the UPDATEs and DELETEs of a DO block's loops that run until some query or condition ends them.

    So are loops over numbers, where each round changes the rows of a range. Loops that commit are left out: each round
    is a transaction of its own.
    """
    block = parse_block(statement.tree) if statement.kind == "do_stmt" else None
    for kind, loop in _nodes(block):
        counted = loop["var"]["PLpgSQL_var"]["refname"] if kind == "PLpgSQL_stmt_fori" else None
        if (counted or kind in _OPEN_LOOPS) and not _commits(loop):
            for one in (one for text in _sent_in(loop.get("body", [])) if text for one in _parsed(text)):
                if one.kind in ("update_stmt", "delete_stmt") and (counted is None or _is_by_range(one, counted)):
                    yield one


def _is_by_range(change: Statement, variable: str) -> bool:
    """Say whether the condition compares something with the variable, other than for equality."""
    return any(
        strings(one.name)[-1] in ("<", "<=", ">", ">=", "BETWEEN")
        and any(strings(ref.fields) == (variable,) for ref in find(one, "ColumnRef"))
        for one in find(change.tree.where_clause, "A_Expr")
    )


def commits(statement: Statement, schema: Schema) -> bool:
    """Say whether a DO block, or a procedure that is called, ends transactions."""
    if statement.kind == "call_stmt":
        called = _called(statement, schema.bodies)
        return any(_commits(parse_body(body.text, body.parameters)) for body in called if body.language == "plpgsql")
    return statement.kind == "do_stmt" and _commits(parse_block(statement.tree))


def commits_where_it_may_not(statement: Statement) -> bool:
    """Say whether a DO block ends a transaction inside a block that catches errors, which PostgreSQL refuses."""
    block = parse_block(statement.tree) if statement.kind == "do_stmt" else None
    return any(
        kind == "PLpgSQL_stmt_block" and "exceptions" in node and _commits(node.get("body", []))
        for kind, node in _nodes(block)
    )


def _commits(block: Any) -> bool:
    return any(kind in ("PLpgSQL_stmt_commit", "PLpgSQL_stmt_rollback") for kind, _ in _nodes(block))


def _called(statement: Statement, bodies: dict[Any, Body]) -> Iterator[Body]:
    for call in find(statement.tree, "FuncCall"):
        yield from (body for name, body in bodies.items() if name.same(function_name(call)))


def _parsed(text: str) -> tuple[Statement, ...]:
    try:
        return parse(text)
    except SqlError:
        return ()


def _texts(statement: Statement) -> Iterator[str | None]:
    if statement.kind != "do_stmt":
        return
    block = parse_block(statement.tree)
    if block is None:
        yield None
        return
    yield from _sent_in(block)


def _texts_of_body(body: Body) -> Iterator[str | None]:
    if body.language == "plpgsql":
        yield from _sent_in(parse_body(body.text, body.parameters))
    elif body.language == "sql":
        yield body.text


def _sent_in(block: Any) -> Iterator[str | None]:
    """Yield the text of each statement; what a loop over names that are written out sends, for each of them."""
    variables = [
        next(iter(one.values())).get("refname", "") for _, node in _nodes(block) for one in node.get("datums", ())
    ]
    yield from _sent(block, variables, {})


def _sent(tree: Any, variables: list[str], known: Mapping[str, str]) -> Iterator[str | None]:
    for kind, node in _children(tree):
        names = _names_of_rounds(kind, node, variables)
        if kind in _SENT:
            yield _text(node, kind, known)
        elif names:
            for variable, name in names:
                yield from _sent(node["body"], variables, {**known, variable: name})
        else:
            yield from _sent(node, variables, known)


def _names_of_rounds(kind: str, loop: Any, variables: list[str]) -> list[tuple[str, str]]:
    """Return the loop's variable with each of its values, where they are written out as an array."""
    if kind == "PLpgSQL_stmt_foreach_a" and loop["varno"] < len(variables):
        variable, expression = variables[loop["varno"]], loop["expr"]["PLpgSQL_expr"]["query"]
    elif kind == "PLpgSQL_stmt_fors" and loop["query"]["PLpgSQL_expr"]["query"].lower().startswith("select unnest("):
        fields = loop["var"].get("PLpgSQL_row", {}).get("fields", [])
        variable = fields[0]["name"] if len(fields) == 1 else ""
        expression = loop["query"]["PLpgSQL_expr"]["query"][len("select ") :]
    else:
        return []
    try:
        arrays = list(find(parse_tree(f"SELECT {expression}").stmts[0].stmt, "A_ArrayExpr"))
    except SqlError:
        return []
    elements = [constant_text(one) for array in arrays for one in array.elements if kind_of(one) == "a_const"]
    whole = len(arrays) == 1 and len(elements) == len(arrays[0].elements)
    return [(variable, one) for one in elements] if variable and whole else []


def _children(tree: Any) -> Iterator[tuple[str, Any]]:
    """Yield the nearest nodes below, with their kinds."""
    if isinstance(tree, list):
        for child in tree:
            yield from _children(child)
    elif isinstance(tree, dict):
        for kind, node in tree.items():
            if isinstance(node, dict):
                yield kind, node
            else:
                yield from _children(node)


def _nodes(tree: Any) -> Iterator[tuple[str, Any]]:
    """Yield every node of a PL/pgSQL tree with its kind, parents first."""
    for kind, node in _children(tree):
        yield kind, node
        yield from _nodes(node)


def _text(node: dict[str, Any], kind: str, known: Mapping[str, str]) -> str | None:
    query: str = node[_SENT[kind]]["PLpgSQL_expr"]["query"]
    return query if kind != "PLpgSQL_stmt_dynexecute" else _constant(query, known)


def _constant(expression: str, known: Mapping[str, str]) -> str | None:
    """Return the text that an expression stands for, with NULL for each value that is not written in it.

    None where nothing but the values is known, or where they are not values: it cannot be read then. `known` are the
    values of variables.
    """
    try:
        select = parse_tree(f"SELECT {expression}").stmts[0].stmt.select_stmt
        text = _folded(select.target_list[0].res_target.val, known)
        return text if text and parse(text) else None
    except SqlError:
        return None


def _folded(node: Tree, known: Mapping[str, str]) -> str | None:
    kind = kind_of(node)
    if kind == "a_const":
        return constant_text(node)
    if kind == "column_ref":
        return known.get(strings(node.column_ref.fields)[-1])
    if kind == "a_expr" and strings(node.a_expr.name) == ("||",):
        left, right = _folded(node.a_expr.lexpr, known), _folded(node.a_expr.rexpr, known)
        return None if left is None and right is None else f"{left or ' NULL '}{right or ' NULL '}"
    if kind == "func_call" and function_name(node.func_call).name == "format":
        return _formatted([_folded(argument, known) for argument in node.func_call.args])
    if kind == "func_call" and function_name(node.func_call).name == "quote_ident":
        return quote(_folded(node.func_call.args[0], known) or SOME_NAME)
    return None


def _formatted(arguments: list[str | None]) -> str | None:
    """Return what `format` makes of constants and names; None where it picks them by number, or any SQL comes in."""
    template, *rest = arguments
    if template is None or "$" in template:
        return None
    pieces = template.replace("%%", "\0").split("%")
    if len(pieces) - 1 != len(rest) or any(piece[:1] not in _FORMS for piece in pieces[1:]):
        return None
    values = [_UNKNOWN.get(piece[0]) if value is None else value for piece, value in zip(pieces[1:], rest, strict=True)]
    if None in values:
        return None
    filled = (_FORMS[piece[0]](value or "") + piece[1:] for piece, value in zip(pieces[1:], values, strict=True))
    return (pieces[0] + "".join(filled)).replace("\0", "%")


_UNKNOWN = {"I": SOME_NAME}
_FORMS: dict[str, Callable[[str], str]] = {"I": quote, "s": str, "L": literal}
