"""What a rule is, and which there are: the modules of `migrator.check.rules` are the list."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from migrator.check import rules
from migrator.check.finding import Finding, Hazard, Place, Severity
from migrator.check.moment import Moment

HEADINGS = ("What it does", "Why it is bad", "What to do instead", "When it does not apply")


@dataclass(frozen=True, slots=True)
class Report:
    """What a rule says of the case before it. `severity` is given where it is not the rule's own."""

    message: str
    safer: str = ""
    severity: Severity | None = None
    note: str = ""
    place: Place | None = None
    statement: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """SQL that a rule reports, or does not. `setup` ran before, on a server that is in use by now."""

    sql: str
    setup: str = ""
    pg_version: int = 15
    minor: int | None = None
    runner: str = "psql"
    timeouts: bool = True
    complete: bool = False
    """`setup` made all that there is, as a dump given by `--schema` does."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A module of `rules`, read once."""

    name: str
    hazard: Hazard
    severity: Severity
    on: bool
    story: str
    subject: str
    """What it judges: a `moment`, a `revision`, a `history`, a `plan`, a `file` or a `comment`."""
    find: Callable[[Any], Iterator[Report]]
    bad: tuple[Any, ...]
    good: tuple[Any, ...]
    at_run_time: bool = False
    """Whether `apply` and `upgrade` refuse what it reports: it is about rows, and about its own statement alone."""

    @property
    def summary(self) -> str:
        """The first sentence of the story."""
        return " ".join(self.story.split("\n\n")[0].split())

    def finding(self, report: Report, place: Place, statement: str) -> Finding:
        """Return what the rule says as a finding."""
        return Finding(
            self.name,
            report.severity or self.severity,
            self.hazard,
            report.place or place,
            report.statement or statement,
            report.message,
            report.safer,
            report.note,
        )


_FINDERS = {
    "find": "moment",
    "find_in_revision": "revision",
    "find_in_history": "history",
    "find_in_plan": "plan",
    "find_in_file": "file",
    "find_in_comment": "comment",
}


@lru_cache(maxsize=1)
def every_rule() -> Mapping[str, Rule]:
    """Return all rules by name."""
    modules = (import_module(f"{rules.__name__}.{module.name}") for module in iter_modules(rules.__path__))
    found = [_rule(module) for module in modules]
    return {rule.name: rule for rule in sorted(found, key=lambda rule: rule.name)}


def _rule(module: ModuleType) -> Rule:
    content: dict[str, Any] = vars(module)
    finder, subject = next((name, subject) for name, subject in _FINDERS.items() if name in content)
    return Rule(
        name=module.__name__.rpartition(".")[2].replace("_", "-"),
        hazard=content["HAZARD"],
        severity=content.get("SEVERITY", Severity.ERROR),
        on=content.get("ON", True),
        story=inspect.cleandoc(module.__doc__ or ""),
        subject=subject,
        find=content[finder],
        bad=tuple(content["BAD"]),
        good=tuple(content["GOOD"]),
        at_run_time=content.get("AT_RUN_TIME", False),
    )


def sections(story: str) -> dict[str, str]:
    """Return the parts of a rule's story by their headings; what stands before the first is under an empty one."""
    parts = re.split(rf"^({'|'.join(HEADINGS)})\n-+\n", story, flags=re.MULTILINE)
    return {"": parts[0].strip()} | {parts[i]: parts[i + 1].strip() for i in range(1, len(parts), 2)}


def judge(moment: Moment, chosen: tuple[Rule, ...]) -> Iterator[Finding]:
    """Yield what the chosen rules say of a statement."""
    for rule in chosen:
        for report in rule.find(moment):
            yield rule.finding(report, moment.place, moment.statement.text)
