"""The open transaction as the script has it so far: whether there is one, which locks it holds, which timeouts rule."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from migrator.sql.effects import Effect, Setting
from migrator.sql.locks import LockMode
from migrator.sql.names import Name

_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "min": 60_000.0, "h": 3_600_000.0, "d": 86_400_000.0}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(us|ms|s|min|h|d)?\s*")
TIMEOUTS = ("lock_timeout", "statement_timeout")
BEGINS = frozenset({"BEGIN", "START"})
ENDS = frozenset({"COMMIT", "ROLLBACK", "PREPARE TRANSACTION"})


@dataclass(frozen=True, slots=True)
class Held:
    """A lock that a statement of this transaction took on a relation with rows."""

    relation: Name
    mode: LockMode
    statement: str


@dataclass(frozen=True, slots=True)
class Transaction:
    """What a session carries from one statement to the next.

    Attributes:
        open: inside a transaction, whoever began it.
        explicit: begun by a BEGIN of the script.
        held: write-blocking locks on tables that hold rows.
        constraints: constraints added NOT VALID in this transaction, as (table, name).
        enum_values: labels added in this transaction, as (enum, label), of enums that it did not create.
        types: types created in this transaction.
        together: a statement has removed or renamed something, or asked for a lock, so that migrator leaves it whole.
        session: settings that outlive the transaction.
        local: settings that end with it.
        before: the session's settings when it began, which a rollback brings back.
    """

    open: bool = False
    explicit: bool = False
    held: tuple[Held, ...] = ()
    constraints: tuple[tuple[Name, str], ...] = ()
    enum_values: tuple[tuple[str, str], ...] = ()
    types: tuple[str, ...] = ()
    statements: int = 0
    together: bool = False
    session: dict[str, str | None] = field(default_factory=dict)
    local: dict[str, str | None] = field(default_factory=dict)
    before: dict[str, str | None] = field(default_factory=dict)

    def setting(self, name: str) -> str | None:
        """Return a setting's value as the script made it; None where it did not, or undid it."""
        return self.local[name] if name in self.local else self.session.get(name)

    def timeout(self, name: str) -> float | None:
        """Return a timeout in milliseconds, 0 for none at all; None where the script says nothing of it."""
        value = self.setting(name)
        return None if value is None else milliseconds(value)

    def begin(self, *, explicit: bool) -> Transaction:
        return replace(self, open=True, explicit=explicit, before=self.session)

    def end(self, *, undone: bool = False) -> Transaction:
        return Transaction(session=self.before if undone and self.open else self.session)

    def with_settings(self, settings: tuple[Setting, ...]) -> Transaction:
        """Return what is in force after SET: SET LOCAL without a transaction changes nothing."""
        session, local = dict(self.session), dict(self.local)
        for one in settings:
            target = local if one.local else session
            if one.local and not self.open:
                continue
            if one.name == "all":
                session.clear()
                local.clear()
            else:
                target[one.name] = one.value
        return replace(self, session=session, local=local)

    def holding(self, effect: Effect, live: tuple[tuple[Name, LockMode], ...], text: str) -> Transaction:
        """Return the transaction with the write-blocking locks of a statement, if one is open to keep them."""
        if not self.open:
            return self
        new = tuple(Held(relation, mode, text) for relation, mode in live if mode.blocks_writes)
        return replace(
            self,
            held=(*self.held, *new),
            statements=self.statements + (not effect.transaction_control),
            together=self.together or effect.keeps_together,
        )


def milliseconds(text: str) -> float:
    """Return a timeout as PostgreSQL reads it; a number alone is milliseconds, what cannot be read counts as none."""
    found = _DURATION.fullmatch(text)
    return float(found[1]) * _UNITS[found[2] or "ms"] if found else 0.0
