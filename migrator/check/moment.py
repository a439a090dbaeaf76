"""One statement in its circumstances: what is known before it, what is held, what follows. All that a rule looks at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from migrator.check.finding import Place
from migrator.check.options import Options, Runner
from migrator.check.schema.schema import Schema
from migrator.check.transaction import Transaction
from migrator.sql.commands import definition
from migrator.sql.context import RelationKind
from migrator.sql.effects import Effect, Lock, Work
from migrator.sql.locks import LockMode
from migrator.sql.names import Name, name_of
from migrator.sql.online import online
from migrator.sql.online.form import Answer
from migrator.sql.parser import Tree, field_enum
from migrator.sql.statement import Statement

BOOKKEEPING = frozenset({"alembic_version"})
"""Tables that the runner itself keeps, a row or two each."""


@dataclass(frozen=True)
class Moment:
    """What a rule judges.

    Attributes:
        schema: the schema before the statement; rules only read it.
        following: the statements after it in the same script.
        downgrade: the statement undoes what its revision's upgrade did.
        conditional: it is sent by a block or a function, which may ask before and catch errors.
    """

    statement: Statement
    effect: Effect
    schema: Schema
    transaction: Transaction
    options: Options
    place: Place
    following: tuple[Statement, ...] = ()
    downgrade: bool = False
    conditional: bool = False

    @property
    def tree(self) -> Tree:
        return self.statement.tree

    @property
    def version(self) -> int:
        return self.options.pg_version

    @property
    def by_migrator(self) -> bool:
        """Whether migrator runs it."""
        return self.options.runner is Runner.MIGRATOR

    @property
    def by_itself(self) -> bool:
        """Whether migrator runs it by itself, in its online form: what a block sends it cannot change."""
        return self.by_migrator and not self.conditional

    @property
    def parted(self) -> bool:
        """Whether migrator begins a transaction of its own with it, where the one before holds a lock."""
        together = self.transaction.together or self.effect.keeps_together
        return self.by_itself and not together and not self.transaction.explicit

    @cached_property
    def online(self) -> Answer:
        """The form in which migrator would run it."""
        return online(self.statement, self.schema)

    def live(self, name: Name | None) -> bool:
        """Say whether somebody can be using rows of the relation."""
        return name is None or (self.schema.live(name) and name.name not in BOOKKEEPING)

    def is_view(self, name: Name) -> bool:
        """Say whether the relation is a view, which is made anew in an instant and holds no rows."""
        known = self.schema.table(name)
        if known is None:
            return any(one.kind == "view" and one.name == name for one in (*self.effect.drops, *self.effect.creates))
        return known.kind is RelationKind.VIEW

    def works(self, *rules: str) -> Iterator[Work]:
        """Yield the work of these kinds during which users of a table have to wait."""
        return (work for work in self.effect.stalls if work.rule in rules and self.live(work.relation))

    def live_locks(self, least: LockMode = LockMode.SHARE) -> tuple[Lock, ...]:
        """Return the locks of the statement, from `least` on, on tables that somebody can be using."""
        return tuple(
            lock for lock in self.effect.locks if lock.mode >= least and lock.relation and self.live(lock.relation)
        )

    def commands(self, *subtypes: str) -> Iterator[tuple[Name, Tree]]:
        """Yield the subcommands of these kinds of an ALTER TABLE on a table in use, with the table."""
        if self.statement.kind != "alter_table_stmt" or field_enum(self.tree, "objtype") != "OBJECT_TABLE":
            return
        table = name_of(self.tree.relation)
        for node in self.tree.cmds if self.live(table) else ():
            command = node.alter_table_cmd
            if field_enum(command, "subtype") in subtypes and not self.has_already(table, command):
                yield table, command

    def has_already(self, table: Name, command: Tree) -> bool:
        """Say whether it is an ADD COLUMN IF NOT EXISTS of a column that is there, or added before by the statement."""
        if not command.missing_ok or field_enum(command, "subtype") != "AT_AddColumn":
            return False
        name = definition(command).colname
        added = (one.alter_table_cmd for one in self.tree.cmds)
        first = next(
            one for one in added if field_enum(one, "subtype") == "AT_AddColumn" and definition(one).colname == name
        )
        return self.schema.known(table).column(name) is not None or first != command

    def rest_of_transaction(self) -> Iterator[Statement]:
        """Yield the statements that commit together with this one."""
        if not self.transaction.open:
            return
        for one in self.following:
            if one.kind == "transaction_stmt" and "SAVEPOINT" not in field_enum(one.tree, "kind"):
                return
            yield one
