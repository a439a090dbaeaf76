"""What a revision has set for its transaction, kept through the commits that are made between its statements."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from migrator.revisions.driver import connection_of, in_transaction
from migrator.sql.effects import Effect

# Ours to set, before every statement; and what PostgreSQL lets nobody change later in a transaction.
_NOT_KEPT = frozenset(
    {"all", "lock_timeout", "statement_timeout", "transaction_isolation", "transaction_read_only",
     "transaction_deferrable"}
)  # fmt: skip
_ASK = "SELECT pg_catalog.current_setting(%s, true)"
_SET = "SELECT pg_catalog.set_config(%s, %s, %s)"


@dataclass(slots=True)
class SessionSettings:
    """The settings that end with the revision's transaction; in a transaction of ours they are set anew."""

    _names: set[str] = field(default_factory=set)
    _values: dict[str, str] = field(default_factory=dict)
    _in_force: bool = False

    def follow(self, cursor: Any, effect: Effect) -> None:
        """Take note of what a statement that was just sent has set."""
        if in_transaction(connection_of(cursor)):
            self._names |= {one.name for one in effect.changes_settings if one.local} - _NOT_KEPT
            self._in_force = self._in_force or bool(self._names)

    def keep(self, cursor: Any) -> None:
        """Read what is in force: a commit is about to end it."""
        if self._in_force:
            self._values = {name: _value(cursor, name) for name in self._names}
            self._in_force = False

    def renew(self, cursor: Any) -> None:
        """Set it again for the transaction that `cursor` is in, or begins."""
        for name, value in self._values.items():
            cursor.execute(_SET, (name, value, True))
        self._in_force = bool(self._names)

    @contextmanager
    def outside(self, cursor: Any) -> Iterator[None]:
        """Have it in force while statements run outside a transaction."""
        before = {name: _value(cursor, name) for name in self._values}
        try:
            for name, value in self._values.items():
                cursor.execute(_SET, (name, value, False))
            yield
        finally:
            if not connection_of(cursor).closed:
                for name, value in before.items():
                    cursor.execute(_SET, (name, value, False))

    def forget(self) -> None:
        """The revision's transaction is over."""
        self._names.clear()
        self._values.clear()
        self._in_force = False


@contextmanager
def own_rights(cursor: Any) -> Iterator[None]:
    """Read and write the ledger as whoever logged in, although env.py or a revision has taken another role."""
    role = _value(cursor, "role")
    if role == "none":
        yield
        return
    local = in_transaction(connection_of(cursor))
    cursor.execute(_SET, ("role", "none", local))
    yield
    cursor.execute(_SET, ("role", role, local))


def _value(cursor: Any, name: str) -> str:
    cursor.execute(_ASK, (name,))
    return str(cursor.fetchone()[0] or "")
