"""A corpus of changes, safe and unsafe, on one schema: what each is called, and what the gate says of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from migrator.check.finding import Finding, Place, Severity
from migrator.check.options import Options
from migrator.check.rule import every_rule
from migrator.check.schema.schema import Schema
from migrator.check.script import learn, walk
from migrator.check.source import Piece, Script
from migrator.sql.statement import parse
from tests.support.documents import read_yaml

FOLDER = Path(__file__).resolve().parents[1] / "unit" / "check" / "corpus"
BASE = (FOLDER / "base.sql").read_text(encoding="utf-8")
SEEN_ON_A_SERVER = frozenset({"rewrite", "scan", "build", "long", "fails"})
"""Reasons that a server shows by itself; the others are judgements about data, code and process."""


@dataclass(frozen=True, slots=True)
class Case:
    """SQL that psql runs on the base schema, after `setup`.

    Attributes:
        why: what is unsafe about it; empty where it is safe.
        allow: rules whose findings are not what the case is about.
        since, until: the versions it can be run on.
        open: the gate gets it wrong so far.
    """

    name: str
    sql: str
    why: str = ""
    setup: str = ""
    allow: frozenset[str] = frozenset()
    since: int = 14
    until: int = 18
    timeouts: bool = True
    timezone: str = ""
    open: bool = False

    def verdict(self, version: int) -> list[Finding]:
        """Return the errors that the gate reports."""
        schema = _base(version).copied()
        learn(schema, parse(self.setup))
        rules = tuple(rule for rule in every_rule().values() if rule.on and rule.subject == "moment")
        pieces = tuple(Piece(one, Place("x.sql", one.line, one.column)) for one in parse(self.sql))
        options = Options(version, runner_sets_timeouts=self.timeouts)
        found = walk(Script(pieces), schema.settled(), options, rules)
        return [one for one in found if one.severity is Severity.ERROR and one.rule not in self.allow]


@lru_cache(maxsize=8)
def _base(version: int) -> Schema:
    schema = Schema(pg_version=version, complete=True)
    learn(schema, parse(BASE))
    return schema


@lru_cache(maxsize=1)
def cases() -> tuple[Case, ...]:
    """Return the whole corpus."""
    return tuple(
        _case(f"{path.stem}-{number}", entry)
        for path in sorted(FOLDER.glob("*.yaml"))
        for number, entry in enumerate(read_yaml(path), start=1)
    )


def _case(name: str, entry: dict[str, object]) -> Case:
    known = {key: value for key, value in entry.items() if key not in ("safe", "unsafe", "allow")}
    allow = frozenset(str(one) for one in entry.get("allow", ()))  # type: ignore[attr-defined] # a list in the file
    sql = str(entry.get("safe") or entry["unsafe"])
    return Case(name, sql, allow=allow, **known)  # type: ignore[arg-type] # as the files have them
