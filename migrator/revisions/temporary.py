"""The temporary tables of a revision, which have to outlast the commits that are made between its statements."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from migrator.revisions.errors import ResultGoneError
from migrator.sql.effects import Effect
from migrator.sql.names import Name, name_of
from migrator.sql.parser import Tree, field_enum
from migrator.sql.statement import Statement, parse

_GAP = r"(?:\s|/\*.*?\*/|--[^\n]*\n)+"
_ON_COMMIT = re.compile(rf"\bON{_GAP}COMMIT{_GAP}(?:DROP|DELETE{_GAP}ROWS)\b", re.IGNORECASE | re.DOTALL)
_ENDS = {"ONCOMMIT_DROP": "DROP TABLE", "ONCOMMIT_DELETE_ROWS": "TRUNCATE"}


@dataclass(slots=True)
class TemporaryTables:
    """What is to happen to them when the revision commits, and which of them an earlier attempt took with it."""

    _ends: dict[Name, str] = field(default_factory=dict)
    _gone: set[Name] = field(default_factory=set)

    def lasting(self, statement: Statement, text: str) -> str:
        """Return the `text` of a statement without an ON COMMIT, which is taken note of."""
        relation, on_commit = _temporary(statement)
        if relation is None or on_commit not in _ENDS:
            return text
        written = list(_ON_COMMIT.finditer(text))
        for found in reversed(written):
            without = text[: found.start()] + text[found.end() :]
            if _is_without(without):
                self._ends[name_of(relation)] = _ENDS[on_commit]
                return without
        return text

    def end(self, cursor: Any) -> None:
        """Do what ON COMMIT says: the revision's own commit follows."""
        for name, words in self._ends.items():
            table = Name(name.name, "pg_temp").quoted()
            cursor.execute("SELECT pg_catalog.to_regclass(%s) IS NOT NULL", (table,))
            if cursor.fetchone()[0]:
                cursor.execute(f"{words} {table}")
        self._ends.clear()

    def skip(self, statement: Statement, effect: Effect) -> None:
        """Take note of a statement that is not run again, because an earlier attempt has committed it."""
        relation, _ = _temporary(statement)
        if relation is not None:
            self._gone.add(name_of(relation))
        self._gone -= {dropped.name for dropped in effect.drops}

    def require(self, statement: Statement, effect: Effect) -> None:
        """Refuse a statement about a temporary table that went with the session of an earlier attempt.

        Raises:
            ResultGoneError
        """
        needed = self._gone & {lock.relation for lock in effect.locks if lock.relation}
        if needed:
            raise ResultGoneError(
                f"the temporary table {min(needed)} went with the session that was stopped half-way",
                notes=[f"statement: {' '.join(statement.text.split())[:300]}", "it was not run"],
                help="take back what is committed and apply it anew: migrator downgrade -1",
            )

    def forget(self) -> None:
        """Another revision begins."""
        self._ends.clear()
        self._gone.clear()


def _temporary(statement: Statement) -> tuple[Tree | None, str]:
    """Return the temporary table that a statement makes, with what is to happen to it on commit."""
    if statement.kind == "create_stmt":
        relation, on_commit = statement.tree.relation, field_enum(statement.tree, "oncommit")
    elif statement.kind == "create_table_as_stmt":
        relation, on_commit = statement.tree.into.rel, field_enum(statement.tree.into, "on_commit")
    else:
        return None, ""
    return (relation if relation.relpersistence == "t" else None), on_commit


def _is_without(text: str) -> bool:
    (statement,) = parse(text, pyformat="%(" in text or "%s" in text)
    return _temporary(statement)[1] not in _ENDS
