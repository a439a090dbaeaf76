"""Applies rules of the gate to statements as they are sent: the same rules on what the server has, not on what is read.

Only rules about what is lost or renamed are asked, and only where rows are at stake: what stalls traffic has an online
form or is refused by the same judgement of the statement, and what needs a look at later statements is for the gate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from migrator.check.blocks import inner_statements
from migrator.check.finding import Finding, Place, Severity
from migrator.check.moment import Moment
from migrator.check.options import Options, Runner
from migrator.check.rule import every_rule, judge
from migrator.check.schema.schema import Schema
from migrator.check.transaction import Transaction
from migrator.sql.classify import classify
from migrator.sql.context import Context, Facts, Index, Table, Volatility
from migrator.sql.effects import Effect
from migrator.sql.names import Name, name_of
from migrator.sql.parser import field_enum
from migrator.sql.statement import Statement

_OPTIONS = Options(runner=Runner.MIGRATOR, runner_sets_timeouts=True)


@dataclass
class LiveSchema(Schema):
    """The schema that a server has. What holds no rows, or is not there, has nothing to lose and counts as new."""

    facts: Context = field(default_factory=Facts)
    made: tuple[Name, ...] = ()

    def table(self, name: Name) -> Table | None:
        return self.facts.table(name)

    def index(self, name: Name) -> Index | None:
        return self.facts.index(name)

    def volatility(self, function: Name) -> Volatility | None:
        return self.facts.volatility(function)

    def constrained(self, type_name: Name) -> bool | None:
        return self.facts.constrained(type_name)

    def underlying(self, type_name: Name) -> str | None:
        return self.facts.underlying(type_name)

    def is_new(self, name: Name) -> bool:
        return not self.live(name)

    def live(self, name: Name) -> bool:
        if any(one.same(name) for one in self.made):
            return False
        known = self.facts.table(name)
        return known is not None and known.live


class Watch:
    """What one command has sent so far, revision after revision."""

    def __init__(self) -> None:
        self._made: list[Name] = []
        self._added: set[tuple[str, str]] = set()

    def objections(self, statement: Statement, effect: Effect, facts: Context) -> Iterator[Finding]:
        """Yield what the rules have against a statement that is about to be sent."""
        schema = LiveSchema(facts=facts, made=tuple(self._made), added=self._added)
        for one in (statement, *inner_statements(statement)):
            inner = effect if one is statement else classify(one, facts)
            if not _at_stake(one, inner, schema):
                continue
            moment = Moment(one, inner, schema, Transaction(open=True), _OPTIONS, Place(""))
            rules = tuple(rule for rule in every_rule().values() if rule.at_run_time)
            yield from (found for found in judge(moment, rules) if found.severity is Severity.ERROR)

    def note(self, effect: Effect) -> None:
        """Take note of what a statement makes: it is nobody's yet."""
        for made in effect.creates:
            if made.kind == "column" and made.member:
                self._added.add((made.name.name, made.member))
            elif made.member is None:
                self._made.append(made.name)


def _at_stake(statement: Statement, effect: Effect, schema: LiveSchema) -> bool:
    """Say whether the rules, which take a moment to import, can have anything against the statement."""
    if statement.kind == "alter_enum_stmt":
        return bool(statement.tree.old_val)
    names = [one.name for one in effect.drops] + [one.what.name for one in effect.renames]
    names += [change.table for change in effect.data_changes]
    if statement.kind == "alter_table_stmt":
        changes = (field_enum(one.alter_table_cmd, "subtype") for one in statement.tree.cmds)
        names += [name_of(statement.tree.relation)] if "AT_AlterColumnType" in changes else []
    return any(schema.live(name) for name in names)
