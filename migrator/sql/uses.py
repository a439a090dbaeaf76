"""Whether SQL text reads or writes a column, by its parse tree; where it cannot be parsed, by its tokens."""

from __future__ import annotations

from migrator.sql.classify.queries import relations_in
from migrator.sql.errors import SqlError
from migrator.sql.names import Name
from migrator.sql.parser import Tree, content, kind_of, parse_tree, sorted_out, tokens

_WRITES = ("InsertStmt", "UpdateStmt")


def uses(text: str, table: Name, column: str = "") -> bool:
    """Tell whether a statement may use `table`, or `column` of it; `*` and an INSERT without columns use them all."""
    try:
        statements = parse_tree(text).stmts
    except SqlError:
        return mentions(text, table.name) and (not column or mentions(text, column))
    return any(_uses(content(one.stmt), table, column) for one in statements)


def mentions(text: str, name: str) -> bool:
    """Tell whether `name` is one of the words of a text such as a function's body; comments and literals are none."""
    encoded = text.encode()
    try:
        words = [encoded[one.start : one.end].decode() for one in tokens(text)]
    except SqlError:
        return name in text
    return any(word.strip('"') == name if word.startswith('"') else word.lower() == name for word in words)


def _uses(tree: Tree, table: Name, column: str) -> bool:
    nodes = sorted_out(tree)
    if not any(name.same(table) for name in relations_in(tree)):
        return False
    if not column or any(_ends_in(reference, column) for reference in nodes["ColumnRef"]):
        return True
    targets = [
        target for write in _WRITES for statement in nodes[write] for target in sorted_out(statement)["ResTarget"]
    ]
    if any(target.name == column for target in targets):
        return True
    return any(not insert.cols and Name(insert.relation.relname).same(table) for insert in nodes["InsertStmt"])


def _ends_in(reference: Tree, column: str) -> bool:
    last = reference.fields[-1]
    return kind_of(last) == "a_star" or (kind_of(last) == "string" and content(last).sval == column)
