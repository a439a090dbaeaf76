"""The answer of `migrator check`: what counts, what was made safe or accepted, how much was looked at."""

from __future__ import annotations

from dataclasses import dataclass, field

from migrator.check.finding import Finding, Severity


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Findings in the order of their places."""

    findings: tuple[Finding, ...]
    informed: tuple[Finding, ...] = ()
    """What migrator makes safe, and what a person accepted."""
    checked: int = 0
    """Statements that were judged."""
    files: int = 0
    baseline: int = 0
    """Findings that the baseline accepts."""
    rules: dict[str, str] = field(default_factory=dict)
    """The summary of each rule that has a finding."""

    @property
    def errors(self) -> int:
        return sum(1 for one in self.findings if one.severity == Severity.ERROR)

    @property
    def warnings(self) -> int:
        return sum(1 for one in self.findings if one.severity == Severity.WARNING)

    def fails(self, *, on_warning: bool) -> bool:
        """Say whether the gate stays shut."""
        return bool(self.errors or (on_warning and self.warnings))
