"""The same index on another table, so that the server can say how it would define it; pure."""

from __future__ import annotations

from migrator.sql.names import Name, name_of
from migrator.sql.parser import copied, deparse
from migrator.sql.statement import parse_one


def index_elsewhere(sql: str, table: Name, index: str) -> tuple[Name, str]:
    """Return the table that the CREATE INDEX in `sql` is on, and the plain build of the same index on `table`."""
    tree = copied(parse_one(sql).tree)
    original = name_of(tree.relation)
    tree.relation.relname, tree.relation.schemaname = table.name, table.schema or ""
    tree.idxname, tree.concurrent, tree.if_not_exists = index, False, False
    return original, deparse(tree)
