"""The table that an ALTER TABLE is about, with what is known of it and how SQL for it begins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from migrator.sql.context import Context, RelationKind, Table
from migrator.sql.names import Name, name_of, quote
from migrator.sql.parser import Tree, copied, deparse


@dataclass(frozen=True, slots=True)
class Target:
    """One ALTER TABLE: its tree, its table, and the context it runs in."""

    tree: Tree
    context: Context

    @property
    def name(self) -> Name:
        return name_of(self.tree.relation)

    @property
    def table(self) -> Table | None:
        return self.context.table(self.name)

    @property
    def partitioned(self) -> bool:
        return self.table is not None and self.table.kind is RelationKind.PARTITIONED

    def on(self, table: Name) -> Target:
        """Return the same ALTER TABLE for another table."""
        tree = copied(self.tree)
        tree.relation.relname = table.name
        tree.relation.schemaname = table.schema or ""
        return Target(tree, self.context)

    def alter(self, subcommand: str) -> str:
        """Return ALTER TABLE for the same table, with ONLY and IF EXISTS where the user wrote them."""
        words = ("IF EXISTS " if self.tree.missing_ok else "") + ("" if self.tree.relation.inh else "ONLY ")
        return f"ALTER TABLE {words}{self.name.quoted()} {subcommand}"

    def with_commands(self, commands: Iterable[Tree]) -> str:
        """Return the ALTER TABLE with these subcommands instead of its own."""
        tree = copied(self.tree)
        del tree.cmds[:]
        for command in commands:
            tree.cmds.add().alter_table_cmd.CopyFrom(command)
        return deparse(tree)

    def validate(self, constraint: str) -> str:
        """Return the statement that validates a constraint of the table."""
        return self.alter(f"VALIDATE CONSTRAINT {quote(constraint)}")

    def taken(self, name: str) -> bool:
        """Say whether a relation or constraint of this name exists beside the table."""
        return self.context.taken((self.table.name if self.table else self.name).beside(name))
