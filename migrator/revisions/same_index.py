"""Tells whether an index that exists is the one a statement would build, by letting the server define both."""

from __future__ import annotations

import re
from typing import Any

from migrator.postgres.queries import query
from migrator.sql.names import Name
from migrator.sql.online.elsewhere import index_elsewhere

_TWIN = Name("migrator_twin", "pg_temp")
_TWIN_INDEX = "migrator_twin_index"
_DEFINITION = re.compile(r"CREATE (UNIQUE )?INDEX .*? USING (.*)", re.DOTALL)


def same_index(cursor: Any, sql: str, index: Name) -> bool:
    """Build the index of `sql` on an empty twin of its table, in a transaction that is rolled back, and compare.

    The cursor's connection is in autocommit mode.
    """
    table, statement = index_elsewhere(sql, _TWIN, _TWIN_INDEX)
    cursor.execute("BEGIN")
    try:
        cursor.execute(f"CREATE TEMP TABLE {_TWIN.name} (LIKE {table.quoted()} INCLUDING GENERATED)")
        cursor.execute(statement)
        cursor.execute(
            query("index_definitions"),
            {"one": index.quoted(), "other": f"pg_temp.{_TWIN_INDEX}", "table": table.quoted()},
        )
        on_that_table, one, other = cursor.fetchone()
        return bool(on_that_table) and _essence(one) == _essence(other)
    finally:
        cursor.execute("ROLLBACK")


def _essence(definition: str) -> tuple[str | None, ...]:
    found = _DEFINITION.fullmatch(definition)
    return found.groups() if found else (definition,)
