"""Exceptions from rules: read from comments and settings, matched with findings; not which findings there are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePath

from migrator.check.errors import BadOptionError
from migrator.check.finding import Finding, Hazard, Place, Severity

_COMMENT = re.compile(r"(?:--|#)\s*migrator:\s*allow\s+(?P<rule>[\w-]+)(?P<because>\s+because\b\s*(?P<reason>.*))?")
# What `upgrade` and `apply` then run as it is written: it stalls traffic, and somebody has said why that is no matter.
PLAIN = "plain"
_PLAIN = re.compile(r"#\s*migrator:\s*(?P<rule>plain)\b(?:\s+because\s+(?P<reason>\S.*))?")
_STALLS = frozenset({Hazard.BLOCKS, Hazard.REWRITES, Hazard.SCANS})
_SETTING = re.compile(r"(?P<rule>[\w-]+)\s+in\s+(?P<path>\S+)\s+because\s+(?P<reason>\S.*)")
_ONLY_COMMENT = re.compile(r"\s*(?:--|#|$)")


@dataclass(frozen=True, slots=True)
class Exemption:
    """One rule that may be broken in one place.

    Attributes:
        line: the line of code it stands beside or above; 0 for the whole file.
        pattern: for one from the settings, the path it is about, with ``*`` for anything.
    """

    rule: str
    reason: str
    place: Place
    line: int = 0
    pattern: str = ""

    @property
    def problem(self) -> str:
        """Why it counts for nothing."""
        from migrator.check.rule import every_rule  # noqa: PLC0415 - the rules import this module

        if self.rule != PLAIN and self.rule not in every_rule():
            return f"there is no rule {self.rule}"
        return "" if self.reason else f"the exception from {self.rule} gives no reason"

    def covers(self, finding: Finding) -> bool:
        """Say whether the finding is the one that was accepted."""
        meant = finding.hazard in _STALLS if self.rule == PLAIN else finding.rule == self.rule
        if not meant or self.problem:
            return False
        if self.pattern:
            return PurePath(finding.place.path).match(self.pattern)
        if finding.place.path != self.place.path:
            return False
        first = finding.place.line if self.line else 0
        return not first or first <= self.line <= first + finding.statement.count("\n") or _whole_file(finding)


def _whole_file(finding: Finding) -> bool:
    """Say whether the finding is about a revision as a whole, so that an exception anywhere in its file is meant."""
    from migrator.check.rule import every_rule  # noqa: PLC0415 - the rules import this module

    return every_rule()[finding.rule].subject != "moment"


def exceptions_in(text: str, path: str) -> Iterator[Exemption]:
    """Yield the exceptions in the comments of a file."""
    if "migrator:" not in text:
        return
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        found = _COMMENT.search(line) or _PLAIN.search(line)
        if found:
            place = Place(path, number, found.start() + 1, line)
            reason = (found["reason"] or "").strip()
            whole = found["rule"] == PLAIN and not found.start()
            yield Exemption(found["rule"], reason, place, 0 if whole else _meant(lines, number))


def _meant(lines: list[str], number: int) -> int:
    """Return the line that a comment is about: its own, or the next one that is no comment."""
    while number <= len(lines) and _ONLY_COMMENT.match(lines[number - 1]):
        number += 1
    return number


def exception_from_setting(text: str) -> Exemption:
    """Return what an entry of the setting `allow` says: ``RULE in PATH because REASON``.

    Raises:
        BadOptionError
    """
    found = _SETTING.fullmatch(text.strip())
    if not found:
        raise BadOptionError(f"not an exception: {text}", help="write: drop-column in versions/1_*.py because REASON")
    return Exemption(found["rule"], found["reason"], Place("settings"), pattern=found["path"])


def accept(findings: Iterable[Finding], exemptions: list[Exemption]) -> tuple[list[Finding], set[Exemption]]:
    """Return the findings, those that were accepted as information, and the exceptions that were used."""
    used: set[Exemption] = set()
    judged: list[Finding] = []
    for finding in findings:
        exemption = next((one for one in exemptions if one.covers(finding)), None)
        if exemption is None:
            judged.append(finding)
        else:
            used.add(exemption)
            judged.append(replace(finding, severity=Severity.INFO, note=f"accepted: {exemption.reason}"))
    return judged, used
