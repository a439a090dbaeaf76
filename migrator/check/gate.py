"""Puts everything that was asked for before the rules, and their findings together into one report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from migrator.check.exceptions import Exemption, accept, exceptions_in
from migrator.check.finding import Finding, Hazard, Place, Severity
from migrator.check.history import Direction, History, PlanCase, RecordedRevision
from migrator.check.losses import ACCEPTED_BY_A_PLAN
from migrator.check.options import Options
from migrator.check.report import CheckReport
from migrator.check.rule import Rule, every_rule
from migrator.check.rules.unreadable_input import INSTEAD
from migrator.check.schema.restored import differences
from migrator.check.schema.schema import Schema
from migrator.check.script import learn, walk
from migrator.check.source import Piece, Script
from migrator.check.sql_files import SqlFiles


@dataclass
class Gate:
    """One run of `migrator check`.

    Attributes:
        options: how to judge SQL files; `revisions` how to judge revisions, which another tool may run.
        schema: what is known of the database before everything.
        accepted_losses: why a plan accepts what a revision removes, by revision.
        backfills: what the plans send behind a revision, by revision.
    """

    options: Options
    revisions: Options
    schema: Schema
    exemptions: list[Exemption] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    checked: int = 0
    files: set[str] = field(default_factory=set)
    accepted_losses: dict[str, str] = field(default_factory=dict)
    backfills: dict[str, list[Piece]] = field(default_factory=dict)

    def _chosen(self, subject: str) -> tuple[Rule, ...]:
        wanted, unwanted = self.options.with_rules, self.options.without_rules
        rules = (rule for rule in every_rule().values() if rule.subject == subject)
        return tuple(rule for rule in rules if (rule.on or rule.name in wanted) and rule.name not in unwanted)

    def add_sql(self, path: Path) -> None:
        """Judge an SQL file, which psql would run by itself, together with what it includes."""
        files = SqlFiles(self.files)
        pieces = tuple(files.read(path))
        for place, reason in files.problems:
            self.add_unreadable(place, reason)
        self.exemptions += files.exemptions
        self.checked += len(pieces)
        self.findings += walk(Script(pieces), self.schema.copied(), self.options, self._chosen("moment"))

    def add_unreadable(self, place: Place, reason: str) -> None:
        """Report a file that cannot be checked."""
        rule = every_rule()["unreadable-input"]
        self.findings.append(Finding(rule.name, rule.severity, rule.hazard, place, "", reason, INSTEAD))

    def add_plan(self, case: PlanCase) -> None:
        """Judge a plan, and remember what it accepts."""
        self._read_exceptions(case.place.path)
        for rule in self._chosen("plan"):
            self.findings += (rule.finding(report, case.place, "") for report in rule.find(case))
        for revision, piece in case.backfills:
            self.backfills.setdefault(revision, []).append(piece)
        self.accept_losses(case)

    def accept_losses(self, case: PlanCase) -> None:
        """Remember which losses a plan accepts, or keeps in an archive."""
        for step in case.steps:
            reason = step.irreversible or (f"archived: {', '.join(step.archive)}" if step.archive else "")
            if reason:
                self.accepted_losses[step.revision] = f"accepted by {Path(step.place.path).name}: {reason}"

    def add_history(self, history: History) -> None:
        """Judge the revisions that were asked for; the others only tell what the schema is."""
        for rule in self._chosen("history"):
            self.findings += (rule.finding(report, Place(""), "") for report in rule.find(history))
        schema, within = self.schema.copied(), False
        for one in history.revisions:
            if one.failure:
                schema.doubt()
                continue
            selected = one.revision in history.selected
            if not (history.one_release and selected and within):
                schema = schema.settled()
            schema.old_rows.clear()  # a plan may fill the columns between two revisions
            within = selected
            if selected:
                self.add_revision(one, schema)
            else:
                learn(schema, tuple(piece.statement for piece in one.upgrade.pieces))
                if one.upgrade.unseen:
                    schema.doubt()
            self._add_backfills(one.revision, schema)

    def _add_backfills(self, revision: str, schema: Schema) -> None:
        """Report what PostgreSQL refuses of the backfills behind a revision; how they are run is migrator's affair."""
        rules = tuple(rule for rule in self._chosen("moment") if rule.hazard is Hazard.FAILS)
        for piece in self.backfills.get(revision, ()):
            self.checked += 1
            self.findings += walk(Script((piece,)), schema.settled(), self.revisions, rules)

    def add_revision(self, one: RecordedRevision, schema: Schema) -> None:
        """Judge a revision on the schema before it, which becomes the schema after it."""
        self._read_exceptions(one.path)
        before = schema.copied()
        found = list(self._of_direction(one.upgrade, schema, downgrade=False))
        undone = schema.settled()
        found += self._of_direction(one.downgrade, undone, downgrade=True)
        one = replace(one, different=tuple(differences(before.settled(), undone)))
        for rule in self._chosen("revision"):
            found += (rule.finding(report, one.upgrade.place, "") for report in rule.find(one))
        accepted = self.accepted_losses.get(one.revision)
        self.findings += (_accepted(finding, accepted) if accepted else finding for finding in found)

    def _of_direction(self, direction: Direction, schema: Schema, *, downgrade: bool) -> Iterator[Finding]:
        self.checked += len(direction.pieces)
        yield from walk(direction.script(downgrade=downgrade), schema, self.revisions, self._chosen("moment"))
        if direction.unseen:
            schema.doubt()

    def _read_exceptions(self, path: str) -> None:
        if path in self.files:
            return
        self.files.add(path)
        try:
            self.exemptions += exceptions_in(Path(path).read_text(encoding="utf-8"), path)
        except (OSError, UnicodeDecodeError):
            return

    def report(self) -> CheckReport:
        """Return the answer."""
        judged, used = accept(self.findings, self.exemptions)
        judged += self._useless(used)
        ordered = sorted(judged, key=lambda one: (one.place.path, one.place.line, one.place.column, one.rule))
        counted = tuple(one for one in ordered if one.severity is not Severity.INFO)
        rules = every_rule()
        return CheckReport(
            findings=counted,
            informed=tuple(one for one in ordered if one.severity is Severity.INFO),
            checked=self.checked,
            files=len(self.files),
            rules={name: rules[name].summary for name in sorted({one.rule for one in counted})},
        )

    def _useless(self, used: set[Exemption]) -> Iterator[Finding]:
        rule = every_rule()["unused-exception"]
        for one in self.exemptions:
            reason = one.problem or (f"no finding of {one.rule} is here any more" if one not in used else "")
            if reason:
                severity = Severity.ERROR if one.problem else Severity.WARNING
                yield Finding(rule.name, severity, rule.hazard, one.place, one.place.excerpt.strip(), reason)


def _accepted(finding: Finding, reason: str) -> Finding:
    if finding.rule not in ACCEPTED_BY_A_PLAN or finding.place.direction == "downgrade":
        return finding
    return replace(finding, severity=Severity.INFO, note=reason)
