"""The only door to the SQL parser (libpg_query): text to tree, tree to text, and walking the tree.

The parser takes 0.2 s to import, so it is imported at the first call. Trees are protobuf messages as PostgreSQL's
`parsenodes.h` defines them; enumerations are compared by the name they have there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from migrator.sql.errors import SqlError
from migrator.sql.library import load

Tree = Any
"""A message of the parse tree. Protobuf's generated classes promise no more than that to a type checker."""

_LOCATIONS = (
    "location", "stmt_location", "stmt_len", "jumble_args", "list_start", "list_end", "rexpr_list_start",
    "rexpr_list_end",
)  # fmt: skip


@lru_cache(maxsize=1)
def _library() -> Any:
    """Return the parser. It is imported by name, because its type stubs are not valid Python."""
    return load()


def parse_tree(text: str) -> Tree:
    """Return the ParseResult of `text`.

    Raises:
        SqlError: not SQL; with line and column.
    """
    postgast = _library()
    nul = text.find("\0")
    if nul >= 0:
        raise syntax_error(text, nul, "a NUL character cannot be part of SQL")
    try:
        return postgast.parse(text)
    except postgast.PgQueryError as error:
        offset = max(error.cursorpos - 1, 0)
        raise syntax_error(text, offset, error.message) from error
    except UnicodeEncodeError as error:
        raise syntax_error(text, error.start, "a lone surrogate cannot be part of SQL") from error


def syntax_error(text: str, offset: int, message: str) -> SqlError:
    """Return the error for a mistake `offset` characters into `text`."""
    line, column, excerpt = position(text, offset)
    meta = excerpt.lstrip().startswith("\\")
    return SqlError(
        message,
        line=line,
        column=column,
        excerpt=excerpt,
        help="commands of psql are not SQL: remove the line" if meta else "correct the SQL",
    )


def position(text: str, offset: int) -> tuple[int, int, str]:
    """Return line and column, both counted from 1, and the text of the line at `offset`."""
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    return text.count("\n", 0, offset) + 1, offset - start + 1, text[start : end if end >= 0 else None].rstrip("\r")


def tokens(text: str) -> Iterable[Tree]:
    """Return the tokens of `text`; `start` and `end` count bytes of UTF-8.

    Raises:
        SqlError: a token does not end.
    """
    postgast = _library()
    try:
        return cast("Iterable[Tree]", postgast.scan(text).tokens)
    except postgast.PgQueryError as error:
        raise syntax_error(text, max(error.cursorpos - 1, 0), error.message) from error


def parse_plpgsql(text: str) -> list[Any] | None:
    """Return the tree of a function in PL/pgSQL as nested dicts and lists; None where it is not PL/pgSQL."""
    try:
        return cast("list[Any]", _library().parse_plpgsql(text))
    except _library().PgQueryError:
        return None


def has_comments(text: str) -> bool:
    """Say whether any part of `text` is a comment."""
    if "--" not in text and "/*" not in text:
        return False
    return any(field_enum(token, "token") in ("SQL_COMMENT", "C_COMMENT") for token in tokens(text))


def deparse(statement: Tree) -> str:
    """Return the SQL of a statement's node.

    The text is parsed again and compared with the node, because what comes out is run on somebody's data.
    """
    result = parse_tree("SELECT")
    node = result.stmts[0].stmt
    node.CopyFrom(statement if statement.DESCRIPTOR.name == "Node" else _wrapped(statement))
    text: str = _library().deparse(result)
    again = parse_tree(text).stmts
    if len(again) != 1 or without_locations(again[0].stmt) != without_locations(node):
        raise AssertionError(f"deparsing changed the meaning of a statement: {text}")
    return text


def _wrapped(statement: Tree) -> Tree:
    node = parse_tree("SELECT").stmts[0].stmt
    field = next(field for field in node.DESCRIPTOR.fields if field.message_type is statement.DESCRIPTOR)
    getattr(node, field.name).CopyFrom(statement)
    return node


def without_locations(tree: Tree) -> Tree:
    """Return a copy of the tree that no longer knows where in the text its nodes stood."""
    bare = type(tree)()
    bare.CopyFrom(tree)
    for message in walk(bare):
        for field in _LOCATIONS:
            if field in message.DESCRIPTOR.fields_by_name:
                message.ClearField(field)
    return bare


def copied(tree: Tree) -> Tree:
    """Return a copy of the tree, to be changed."""
    copy = type(tree)()
    copy.CopyFrom(tree)
    return copy


def walk(tree: Tree, *, skip: frozenset[str] = frozenset()) -> Iterator[Tree]:
    """Yield `tree` and every message below it, parents first; nothing below a message whose type is in `skip`."""
    pending = [tree]
    while pending:
        message = pending.pop()
        yield message
        if message.DESCRIPTOR.name in skip:
            continue
        children: list[Tree] = []
        for field, value in message.ListFields():
            if field.message_type is not None:
                children += value if field.is_repeated else (value,)
        pending += reversed(children)


def find(tree: Tree, kind: str, *, skip: frozenset[str] = frozenset()) -> Iterator[Tree]:
    """Yield every message of type `kind` (`FuncCall`, `RangeVar`, ...) in the tree."""
    return (message for message in walk(tree, skip=skip) if message.DESCRIPTOR.name == kind)


def sorted_out(tree: Tree) -> Mapping[str, Sequence[Tree]]:
    """Return every message in the tree by its type, in order. One walk, where several kinds are asked for."""
    found: defaultdict[str, list[Tree]] = defaultdict(list)
    for message in walk(tree):
        found[message.DESCRIPTOR.name].append(message)
    return found


def kind_of(node: Tree) -> str:
    """Return the field name of the node's content, such as ``alter_table_stmt``; empty for an empty node."""
    return cast("str", node.WhichOneof("node") or "")


def content(node: Tree) -> Tree:
    """Return the message inside a Node."""
    return getattr(node, kind_of(node))


def field_enum(message: Tree, field: str) -> str:
    """Return the name of an enumeration's value, such as ``AT_AddColumn``."""
    number = getattr(message, field)
    return cast("str", message.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number[number].name)


def strings(nodes: Iterable[Tree]) -> tuple[str, ...]:
    """Return the texts of a list of String nodes."""
    return tuple(node.string.sval for node in nodes if kind_of(node) == "string")


def option(definitions: Iterable[Tree], name: str) -> bool:
    """Say whether a list of DefElem nodes switches the option `name` on."""
    for definition in definitions:
        element = definition.def_elem
        if element.defname == name:
            return option_text(element) not in ("false", "off", "0")
    return False


def option_text(element: Tree) -> str:
    """Return the value of a DefElem as text in lower case; empty where it has none."""
    if not element.HasField("arg"):
        return ""
    value = content(element.arg)
    kind = kind_of(element.arg)
    if kind == "string":
        return cast("str", value.sval).lower()
    if kind == "integer":
        return str(value.ival)
    if kind == "boolean":
        return "true" if value.boolval else "false"
    return constant_text(element.arg).lower()


def constant_text(node: Tree) -> str:
    """Return a constant of the tree as the text a person would write; empty where the node is no constant."""
    if kind_of(node) != "a_const":
        return ""
    constant = node.a_const
    which = constant.WhichOneof("val")
    if constant.isnull or which is None:
        return "NULL" if constant.isnull else ""
    value = getattr(constant, which)
    if which == "ival":
        return str(value.ival)
    if which == "boolval":
        return "true" if value.boolval else "false"
    return cast("str", getattr(value, which))
