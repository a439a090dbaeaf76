"""Walks through a script, statement by statement, and lets the rules judge each in its circumstances."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from migrator.check.blocks import inner_statements
from migrator.check.finding import Finding, Hazard, Severity
from migrator.check.moment import Moment
from migrator.check.options import Options
from migrator.check.rule import Rule, judge
from migrator.check.schema.changes import apply
from migrator.check.schema.nothing import does_nothing
from migrator.check.schema.schema import Schema
from migrator.check.source import Piece, Script
from migrator.check.transaction import BEGINS, ENDS, Transaction
from migrator.sql.classify import classify
from migrator.sql.commands import definition, key_of
from migrator.sql.effects import Effect
from migrator.sql.names import Name, name_of
from migrator.sql.parser import strings
from migrator.sql.statement import Statement

_LASTING = frozenset({Hazard.IRREVERSIBLE, Hazard.BREAKS})
"""Hazards of what is committed; while it lasts, a transaction that is rolled back stalls traffic like any other."""
DEEPEST = 5
"""Functions may call themselves."""
_STALLS = frozenset({Hazard.BLOCKS, Hazard.SCANS, Hazard.REWRITES})
_OWN_ENUM = 17
"""From then on a label can be used in the transaction that adds it, if that has created the enum as well."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What was known at a savepoint, or at the beginning of a transaction, whose name is empty."""

    name: str
    schema: Schema
    transaction: Transaction


@dataclass
class Walk:
    """The state between two statements."""

    schema: Schema
    options: Options
    rules: tuple[Rule, ...]
    transaction: Transaction
    downgrade: bool = False
    marks: list[Mark] = field(default_factory=list)
    """Where ROLLBACK goes back to: the beginning of the transaction, then its savepoints."""
    depth: int = 0
    """Blocks and functions around the statement."""

    def over(self, script: Script) -> Iterator[Finding]:
        """Yield the findings of a script; the schema is afterwards what the script made of it."""
        self.downgrade = script.downgrade
        statements = tuple(piece.statement for piece in script.pieces)
        undone = rolled_back(statements)
        for number, piece in enumerate(script.pieces):
            if not piece.autocommit and not self.transaction.open:
                self.transaction = self.transaction.begin(explicit=False)
            elif piece.autocommit and self.transaction.open and not self.transaction.explicit:
                self.transaction = self.transaction.end()
            found = self._step(piece, statements[number + 1 :])
            yield from (one for one in found if number not in undone or one.hazard not in _LASTING)

    def _step(self, piece: Piece, following: tuple[Statement, ...]) -> Iterator[Finding]:
        if piece.told is not None:
            self.schema.believe(*piece.told)
        effect = classify(piece.statement, self.schema)
        if does_nothing(piece.statement, effect, self.schema):
            return
        moment = Moment(
            piece.statement,
            effect,
            self.schema,
            self.transaction,
            self.options,
            piece.place,
            following,
            self.downgrade,
            self.depth > 0,
        )
        found = judge(moment, self.rules)
        yield from (_way_back(one) for one in found) if self.downgrade else found
        yield from self._inside(piece, following)
        self._take_over(moment)

    def _inside(self, piece: Piece, following: tuple[Statement, ...]) -> Iterator[Finding]:
        """Judge the statements inside a DO block, or a function that is called: they run in one transaction."""
        inner = inner_statements(piece.statement, self.schema)
        if not inner or self.depth >= DEEPEST:
            return
        self.depth += 1
        outer = self.transaction
        self.transaction = outer if outer.open else outer.begin(explicit=False)
        for number, statement in enumerate(inner):
            yield from self._step(replace(piece, statement=statement), (*inner[number + 1 :], *following))
        self.transaction = self.transaction if outer.open else outer
        self.depth -= 1

    def _take_over(self, moment: Moment) -> None:
        effect, before = moment.effect, self.transaction
        live = tuple(
            (lock.relation, lock.mode)
            for lock in moment.live_locks()
            if lock.relation and not moment.is_view(lock.relation)
        )
        apply(self.schema, moment.statement, effect)
        if effect.transaction_control:
            self._control(effect, chain=moment.statement.kind == "transaction_stmt" and moment.tree.chain)
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
        self.schema.session_timezone = self.transaction.setting("timezone")

    def _control(self, effect: Effect, *, chain: bool) -> None:
        """Begin and end transactions; what is rolled back has never been."""
        before, control = self.transaction, effect.transaction_control
        if control in BEGINS and not before.open:
            self._begin()
        elif control == "SAVEPOINT":
            self.marks.append(Mark(effect.savepoint, self.schema.copied(), before))
        elif control == "ROLLBACK TO":
            mark = next((mark for mark in reversed(self.marks) if mark.name == effect.savepoint), None)
            if mark is not None:
                self._back_to(mark)
        elif control in ENDS:
            if control == "ROLLBACK" and self.marks:
                self._back_to(self.marks[0])
            self.transaction = before.end(undone=control == "ROLLBACK")
            self.marks = []
            if chain and before.open:
                self._begin()

    def _begin(self) -> None:
        self.transaction = self.transaction.begin(explicit=True)
        self.marks = [Mark("", self.schema.copied(), self.transaction)]

    def _back_to(self, mark: Mark) -> None:
        self.marks = self.marks[: self.marks.index(mark) + 1]
        self.schema.become(mark.schema.copied())
        self.transaction = mark.transaction


def _way_back(finding: Finding) -> Finding:
    """Return what is said of a downgrade: that it keeps users waiting is no reason not to have it."""
    stalls = finding.severity is Severity.ERROR and finding.hazard in _STALLS
    return replace(finding, severity=Severity.WARNING) if stalls else finding


def rolled_back(statements: tuple[Statement, ...]) -> frozenset[int]:
    """Return the numbers of the statements that a ROLLBACK of the script undoes."""
    undone: set[int] = set()
    marks: list[tuple[str, int]] = []
    for number, statement in enumerate(statements):
        if statement.kind != "transaction_stmt":
            continue
        effect = classify(statement)
        if effect.transaction_control in BEGINS and not marks:
            marks = [("", number)]
        elif effect.transaction_control == "SAVEPOINT" and marks:
            marks.append((effect.savepoint, number))
        elif effect.transaction_control == "ROLLBACK TO":
            start = next((mark for name, mark in reversed(marks) if name == effect.savepoint), number)
            undone |= set(range(start, number))
        elif effect.transaction_control in ENDS:
            if effect.transaction_control == "ROLLBACK" and marks:
                undone |= set(range(marks[0][1], number))
            marks = [("", number)] if statement.tree.chain and marks else []
    return frozenset(undone)


def _not_valid(statement: Statement) -> Iterator[tuple[Name, str]]:
    """Yield the constraints that the statement adds without validating them."""
    if statement.kind != "alter_table_stmt":
        return
    for node in statement.tree.cmds:
        command = node.alter_table_cmd
        if key_of(command).startswith("AT_AddConstraint") and definition(command).skip_validation:
            yield name_of(statement.tree.relation), definition(command).conname


def _enum_value(moment: Moment) -> tuple[tuple[str, str], ...]:
    """Return the enum with the label that the statement adds, and that cannot be used before the commit."""
    committed = moment.by_itself and not moment.transaction.explicit
    if moment.statement.kind != "alter_enum_stmt" or moment.tree.old_val or committed:
        return ()
    enum = strings(moment.tree.type_name)[-1]
    own = moment.version >= _OWN_ENUM and enum in moment.transaction.types
    return () if own else ((enum, moment.tree.new_val),)


def walk(script: Script, schema: Schema, options: Options, rules: tuple[Rule, ...]) -> Iterator[Finding]:
    """Yield what the rules say of a script that starts on `schema`, which it changes."""
    yield from Walk(schema, options, rules, Transaction()).over(script)


def learn(schema: Schema, statements: tuple[Statement, ...]) -> None:
    """Carry statements over to the schema without judging them."""
    for _ in follow(schema, statements):
        pass


def follow(schema: Schema, statements: tuple[Statement, ...], depth: int = 0) -> Iterator[Effect]:
    """Carry statements over to the schema, with those that blocks and functions send, and yield what each did."""
    for statement in statements:
        effect = classify(statement, schema)
        if does_nothing(statement, effect, schema):
            continue
        if depth < DEEPEST:
            yield from follow(schema, inner_statements(statement, schema), depth + 1)
        apply(schema, statement, effect)
        yield effect
