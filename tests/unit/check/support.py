"""Runs rules over examples, as the command would."""

from __future__ import annotations

from migrator.check.finding import Finding, Place
from migrator.check.options import Options, Runner
from migrator.check.rule import Example, Rule, every_rule
from migrator.check.schema.schema import Schema
from migrator.check.script import learn, walk
from migrator.check.source import Piece, Script
from migrator.sql.statement import parse


def pieces(sql: str, *, autocommit: bool = True) -> tuple[Piece, ...]:
    return tuple(Piece(one, Place("x.sql", one.line, one.column), autocommit) for one in parse(sql))


def findings(example: Example, rules: tuple[Rule, ...] | None = None) -> list[Finding]:
    """Return what the rules say of an example; all that are on, unless some are given."""
    schema = Schema(pg_version=example.pg_version, complete=example.complete)
    learn(schema, parse(example.setup))
    options = Options(example.pg_version, example.minor, Runner(example.runner), example.timeouts)
    chosen = rules or tuple(rule for rule in every_rule().values() if rule.on and rule.subject == "moment")
    revision = example.runner != "psql"
    return list(walk(Script(pieces(example.sql, autocommit=not revision)), schema.settled(), options, chosen))
