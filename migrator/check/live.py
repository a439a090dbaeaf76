"""Applies rules of the gate to statements as they are sent: the same rules on what the server has, not on what is read.

Only rules about what is lost, renamed or missed are asked, and only where rows are at stake: what stalls traffic has an
online form or is refused by the same judgement of the statement.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

from migrator.check.blocks import inner_statements
from migrator.check.finding import Finding, Place, Severity
from migrator.check.moment import Moment
from migrator.check.options import Options, Runner
from migrator.check.rule import every_rule, judge
from migrator.check.schema.schema import Schema
from migrator.check.transaction import Transaction
from migrator.sql.classify import classify
from migrator.sql.context import Context, Index, RelationKind, Table, Volatility
from migrator.sql.effects import Effect, Object
from migrator.sql.names import Name, name_of
from migrator.sql.parser import field_enum, strings
from migrator.sql.statement import Statement

_OPTIONS = Options(runner=Runner.MIGRATOR, runner_sets_timeouts=True)
LARGE = 10_000
"""Rows of a table that one statement may change: as many as the first chunk of a backfill has."""
_MET_LATER = frozenset({"rename-table", "drop-object"})
_WITH_ROWS = frozenset({RelationKind.TABLE, RelationKind.PARTITIONED, RelationKind.MATVIEW})
_RELATIONS = frozenset({"table", "foreign table", "view", "materialized view", "sequence", "column"})


class LiveFacts(Context, Protocol):
    """What a server can be asked besides."""

    def exceeds(self, name: Name, rows: int) -> bool:
        """Say whether a table has more rows than that."""

    def holds_rows(self) -> bool:
        """Say whether any table of the database that this command has not made has a row."""


@dataclass
class LiveSchema(Schema):
    """The schema that a server has. What holds no rows, or is not there, has nothing to lose and counts as new."""

    facts: LiveFacts = field(kw_only=True)
    own: tuple[Name, ...] = ()
    """What the command itself has made."""

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

    def default_of(self, domain: Name) -> str | None:
        return self.facts.default_of(domain)

    def is_new(self, name: Name) -> bool:
        return not self.live(name)

    def is_made(self, name: Name) -> bool:
        if any(one.same(name) for one in self.own):
            return True
        known = self.facts.table(name)
        return known is not None and known.kind in _WITH_ROWS and not known.live

    def live(self, name: Name) -> bool:
        if any(one.same(name) for one in self.own):
            return False
        known = self.facts.table(name)
        return known is not None and known.live


@dataclass(frozen=True, slots=True)
class Objection:
    """What a rule has against a statement, and the circumstances that it was judged in."""

    finding: Finding
    moment: Moment

    @property
    def can_be_met(self) -> bool:
        """Whether something that the same transaction does later answers it, such as a view of the old name."""
        return self.finding.rule in _MET_LATER

    def is_met(self, following: tuple[Statement, ...]) -> bool:
        """Say whether these statements, which came after it in its transaction, answer it."""
        rule = every_rule()[self.finding.rule]
        return not any(judge(replace(self.moment, following=following), (rule,)))


class Watch:
    """What one command has sent so far, revision after revision."""

    def __init__(self) -> None:
        self._made: list[Name] = []
        self._added: set[tuple[str, str]] = set()

    def objections(self, statement: Statement, effect: Effect, facts: LiveFacts) -> Iterator[Objection]:
        """Yield what the rules have against a statement that is about to be sent."""
        schema = LiveSchema(facts=facts, own=tuple(self._made), added=self._added)
        for one in (statement, *inner_statements(statement)):
            inner = effect if one is statement else classify(one, facts)
            if not _at_stake(one, inner, schema):
                continue
            moment = Moment(one, inner, schema, Transaction(open=True), _OPTIONS, Place(""))
            rules = tuple(rule for rule in every_rule().values() if rule.at_run_time)
            for found in judge(moment, rules):
                small = found.rule == "unbatched-change" and not _is_large(inner, schema)
                if found.severity is Severity.ERROR and not small:
                    yield Objection(found, moment)

    def note(self, statement: Statement, effect: Effect) -> None:
        """Take note of what a statement makes: it is nobody's yet."""
        for made in effect.creates:
            if made.kind == "column" and made.member:
                self._added.add((made.name.name, made.member))
            elif made.member is None:
                self._made.append(made.name)
        if statement.kind == "create_function_stmt":
            self._made.append(Name(strings(statement.tree.funcname)[-1]))


def _at_stake(statement: Statement, effect: Effect, schema: LiveSchema) -> bool:
    """Say whether the rules, which take a moment to import, can have anything against the statement."""
    if statement.kind == "alter_enum_stmt":
        return bool(statement.tree.old_val)
    names = [change.table for change in effect.data_changes]
    if statement.kind == "alter_table_stmt":
        changes = {field_enum(one.alter_table_cmd, "subtype") for one in statement.tree.cmds}
        names += [name_of(statement.tree.relation)] if changes & {"AT_AlterColumnType", "AT_ColumnDefault"} else []
    affected = [*effect.drops, *(one.what for one in effect.renames)]
    return any(schema.live(name) for name in names) or any(_is_used(one, statement, schema) for one in affected)


def _is_used(one: Object, statement: Statement, schema: LiveSchema) -> bool:
    """Say whether running code can be using the object: there are rows, in it or anywhere."""
    if any(own.same(one.name) for own in schema.own):
        return False
    known = schema.facts.table(one.name)
    if known is not None and known.kind in _WITH_ROWS:
        return known.live
    if known is None and (one.kind in _RELATIONS or getattr(statement.tree, "missing_ok", False)):
        return False
    return schema.facts.holds_rows()


def _is_large(effect: Effect, schema: LiveSchema) -> bool:
    return any(
        schema.live(change.table) and schema.facts.exceeds(change.table, LARGE) for change in effect.data_changes
    )
