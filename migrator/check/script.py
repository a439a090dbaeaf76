"""Walks through a script, statement by statement, and lets the rules judge each in its circumstances."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from migrator.check.blocks import inner_statements
from migrator.check.finding import Finding
from migrator.check.moment import Moment
from migrator.check.options import Options
from migrator.check.rule import Rule, judge
from migrator.check.schema.changes import apply
from migrator.check.schema.schema import Schema
from migrator.check.source import Piece, Script
from migrator.check.transaction import BEGINS, ENDS, Transaction
from migrator.sql.classify import classify
from migrator.sql.commands import definition, key_of
from migrator.sql.effects import Effect
from migrator.sql.names import Name, name_of
from migrator.sql.parser import strings
from migrator.sql.statement import Statement

_OWN_ENUM = 17
"""From then on a label can be used in the transaction that adds it, if that has created the enum as well."""


@dataclass
class Walk:
    """The state between two statements."""

    schema: Schema
    options: Options
    rules: tuple[Rule, ...]
    transaction: Transaction
    downgrade: bool = False

    def over(self, script: Script) -> Iterator[Finding]:
        """Yield the findings of a script; the schema is afterwards what the script made of it."""
        self.downgrade = script.downgrade
        statements = tuple(piece.statement for piece in script.pieces)
        for number, piece in enumerate(script.pieces):
            if not piece.autocommit and not self.transaction.open:
                self.transaction = self.transaction.begin(explicit=False)
            elif piece.autocommit and self.transaction.open and not self.transaction.explicit:
                self.transaction = self.transaction.end()
            yield from self._step(piece, statements[number + 1 :])

    def _step(self, piece: Piece, following: tuple[Statement, ...]) -> Iterator[Finding]:
        effect = classify(piece.statement, self.schema)
        moment = Moment(
            piece.statement,
            effect,
            self.schema,
            self.transaction,
            self.options,
            piece.place,
            following,
            self.downgrade,
        )
        yield from judge(moment, self.rules)
        yield from self._inside(piece, following)
        self._take_over(moment)

    def _inside(self, piece: Piece, following: tuple[Statement, ...]) -> Iterator[Finding]:
        """Judge the statements inside a DO block, which run in one transaction."""
        inner = inner_statements(piece.statement)
        if not inner:
            return
        outer = self.transaction
        self.transaction = outer if outer.open else outer.begin(explicit=False)
        for number, statement in enumerate(inner):
            yield from self._step(replace(piece, statement=statement), (*inner[number + 1 :], *following))
        self.transaction = self.transaction if outer.open else outer

    def _take_over(self, moment: Moment) -> None:
        effect, before = moment.effect, self.transaction
        live = tuple(
            (lock.relation, lock.mode)
            for lock in moment.live_locks()
            if lock.relation and not moment.is_view(lock.relation)
        )
        apply(self.schema, moment.statement, effect)
        if effect.transaction_control in BEGINS:
            self.transaction = before if before.open else before.begin(explicit=True)
        elif effect.transaction_control in ENDS:
            self.transaction = before.end(undone=effect.transaction_control == "ROLLBACK")
        else:
            held = before.holding(effect, live, moment.statement.text)
            noted = replace(
                held,
                constraints=(*held.constraints, *_not_valid(moment.statement)),
                enum_values=(
                    *held.enum_values,
                    *_enum_value(moment),
                ),
                types=(*held.types, *(one.name.name for one in effect.creates if one.kind == "type")),
            )
            self.transaction = (noted if before.open else held).with_settings(effect.changes_settings)


def _not_valid(statement: Statement) -> Iterator[tuple[Name, str]]:
    """Yield the constraints that the statement adds without validating them."""
    if statement.kind != "alter_table_stmt":
        return
    for node in statement.tree.cmds:
        command = node.alter_table_cmd
        if key_of(command).startswith("AT_AddConstraint") and definition(command).skip_validation:
            yield name_of(statement.tree.relation), definition(command).conname


def _enum_value(moment: Moment) -> tuple[str, ...]:
    """Return the label that the statement adds, and that cannot be used before the commit."""
    if moment.statement.kind != "alter_enum_stmt" or moment.tree.old_val:
        return ()
    own = moment.version >= _OWN_ENUM and strings(moment.tree.type_name)[-1] in moment.transaction.types
    return () if own else (moment.tree.new_val,)


def walk(script: Script, schema: Schema, options: Options, rules: tuple[Rule, ...]) -> Iterator[Finding]:
    """Yield what the rules say of a script that starts on `schema`, which it changes."""
    yield from Walk(schema, options, rules, Transaction()).over(script)


def learn(schema: Schema, statements: tuple[Statement, ...]) -> None:
    """Carry statements over to the schema without judging them."""
    for statement in statements:
        effect: Effect = classify(statement, schema)
        apply(schema, statement, effect)
