"""A statement of a plan that takes the keys of a chunk as `:first` and `:last`, and is bounded by them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrator.sql.errors import BoundsError
from migrator.sql.names import Name, name_of
from migrator.sql.parser import Tree, content, field_enum, find, kind_of, parse_tree, position, strings, tokens

BOUNDS = {"first": "$1", "last": "$2"}
_VERBS = {"update_stmt": "UPDATE", "delete_stmt": "DELETE", "insert_stmt": "INSERT"}
_SIDES = {(">=", 1): "first", ("<=", 2): "last"}
_TURNED = {"<=": ">=", ">=": "<="}


@dataclass(frozen=True, slots=True)
class BoundedStatement:
    """One UPDATE, DELETE or INSERT that does only what belongs to the rows with keys from `:first` to `:last`.

    Attributes:
        texts: its SQL in pieces, between which `bounds` stand; without a semicolon.
        bounds: ``first`` or ``last``, one fewer than there are texts.
        verb: ``UPDATE``, ``DELETE`` or ``INSERT``.
        target: the table it changes.
        sets: the columns that it sets in rows that were there before.
        key: the columns that the bounds are compared with.
        table: the table whose columns these are, where they say so.
        returns: whether it has a RETURNING clause.
    """

    texts: tuple[str, ...]
    bounds: tuple[str, ...]
    verb: str
    target: Name
    sets: tuple[str, ...]
    key: tuple[str, ...]
    table: Name | None
    returns: bool


def parse_bounded(text: str) -> BoundedStatement:
    """Return the statement in `text`.

    Raises:
        SqlError: not SQL.
        BoundsError: not one UPDATE, DELETE or INSERT ... SELECT, or not bounded.
    """
    places = list(_places(text))
    data = bytearray(text.encode())
    for start, end, name in places:
        data[start:end] = BOUNDS[name].ljust(end - start).encode()
    result = parse_tree(data.decode())
    if len(result.stmts) != 1:
        raise BoundsError(f"there must be one statement, and there are {len(result.stmts)}")
    node = result.stmts[0].stmt
    if kind_of(node) not in _VERBS:
        raise BoundsError("only UPDATE, DELETE and INSERT ... SELECT can be bounded")
    statement = content(node)
    end = result.stmts[0].stmt_location + (result.stmts[0].stmt_len or len(data))
    walked = _source(statement)
    named = {one.alias.aliasname or one.relname: name_of(one) for one in _tables(statement, walked)}
    columns = _bounded_columns(walked.where_clause)
    qualifiers = {qualifier for qualifier, _ in columns if qualifier}
    if unknown := qualifiers - named.keys():
        raise BoundsError(f"the bounds are compared with columns of {', '.join(unknown)}, which it does not name")
    return BoundedStatement(
        texts=tuple(_texts(text, [(start, stop) for start, stop, _ in places], end)),
        bounds=tuple(name for _, _, name in places),
        verb=_VERBS[kind_of(node)],
        target=name_of(statement.relation),
        sets=tuple(_sets(statement)),
        key=tuple(column for _, column in columns),
        table=named[qualifiers.pop()] if len(qualifiers) == 1 else None,
        returns=statement.HasField("returning_clause"),
    )


def _places(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield where a bound stands, in bytes, with its name."""
    data, before = text.encode(), None
    for token in tokens(text):
        if before is not None and data[before.start : before.end] == b":" and before.end == token.start:
            name = data[token.start : token.end].decode()
            if name in BOUNDS:
                yield before.start, token.end, name
            elif name.isidentifier():
                line, column, _ = position(text, len(data[: before.start].decode()))
                raise BoundsError(f"unknown bound :{name} (line {line}, column {column})")
        before = token


def _texts(text: str, places: list[tuple[int, int]], end: int) -> Iterator[str]:
    data, start = text.encode()[:end], 0
    for begin, stop in places:
        yield data[start:begin].decode()
        start = stop
    yield data[start:].decode()


def _source(statement: Tree) -> Tree:
    """Return the part whose WHERE says which rows are taken: the SELECT of an INSERT, else the statement itself."""
    writing = {"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"}
    if any(one.DESCRIPTOR.name in writing for cte in statement.with_clause.ctes for one in _below(cte)):
        raise BoundsError("WITH may only read: what writes would not be bounded")
    if statement.DESCRIPTOR.name != "InsertStmt":
        return statement
    selected = statement.select_stmt
    if kind_of(selected) != "select_stmt" or selected.select_stmt.values_lists or selected.select_stmt.op > 1:
        raise BoundsError("an INSERT can be bounded only where it inserts what one SELECT finds")
    return selected.select_stmt


def _below(node: Tree) -> Iterator[Tree]:
    return (one for kind in ("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt") for one in find(node, kind))


def _tables(statement: Tree, walked: Tree) -> Iterator[Tree]:
    if walked is statement:
        yield statement.relation
    for clause in ("from_clause", "using_clause"):
        for item in getattr(walked, clause, ()):
            yield from find(item, "RangeVar", skip=frozenset({"RangeSubselect"}))


def _sets(statement: Tree) -> Iterator[str]:
    changed = statement.on_conflict_clause if statement.DESCRIPTOR.name == "InsertStmt" else statement
    if changed.DESCRIPTOR.name != "DeleteStmt":
        yield from (item.res_target.name for item in changed.target_list)


def _bounded_columns(where: Tree) -> list[tuple[str, str]]:
    """Return the columns, each with its qualifier, that are bounded on both sides whatever else is in `where`."""
    found: dict[str, list[list[tuple[str, str]]]] = {"first": [], "last": []}
    for side, compared in _comparisons(where):
        found[side].append(_columns(compared))
    both = [columns for columns in found["first"] if columns and columns in found["last"]]
    if not both:
        raise BoundsError("the statement is not bounded by the keys of the chunk")
    return both[0]


def _comparisons(node: Tree) -> Iterator[tuple[str, Tree]]:
    """Yield each bound that must hold, with what is compared with it."""
    kind = kind_of(node)
    if kind == "bool_expr" and field_enum(node.bool_expr, "boolop") == "AND_EXPR":
        for part in node.bool_expr.args:
            yield from _comparisons(part)
    if kind != "a_expr":
        return
    compared, operator = node.a_expr, "".join(strings(node.a_expr.name))
    if field_enum(compared, "kind") == "AEXPR_BETWEEN":
        for sign, bound in zip((">=", "<="), compared.rexpr.list.items, strict=True):
            yield from _side(sign, compared.lexpr, bound)
    elif field_enum(compared, "kind") == "AEXPR_OP":
        yield from _side(operator, compared.lexpr, compared.rexpr)
        yield from _side(_TURNED.get(operator, ""), compared.rexpr, compared.lexpr)


def _side(operator: str, column: Tree, bound: Tree) -> Iterator[tuple[str, Tree]]:
    while kind_of(bound) == "type_cast":
        bound = bound.type_cast.arg
    if kind_of(bound) == "param_ref" and (side := _SIDES.get((operator, bound.param_ref.number))):
        yield side, column


def _columns(node: Tree) -> list[tuple[str, str]]:
    items = node.row_expr.args if kind_of(node) == "row_expr" else [node]
    names = [strings(item.column_ref.fields) if kind_of(item) == "column_ref" else () for item in items]
    return [(name[-2] if len(name) > 1 else "", name[-1]) for name in names] if all(names) else []
