"""Holds back a statement of a revision that a rule of the gate is against, unless somebody has accepted it in writing.

Accepted is what a comment beside the statement, the settings, or the plan of the revision gives a reason for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from migrator.check.finding import Finding
from migrator.check.live import LiveFacts, Objection, Watch
from migrator.check.losses import ACCEPTED_BY_A_PLAN
from migrator.errors import Location
from migrator.revisions.accepted import Accepted
from migrator.revisions.errors import RuleBrokenError
from migrator.revisions.plain_form import calls_under_way
from migrator.sql.effects import Effect
from migrator.sql.statement import Statement


@dataclass
class Enforcement:
    """The rules for one revision, in the file at `path`.

    Attributes:
        watch: what the command has sent so far.
        allow: the exceptions of the settings.
        accepted: asks the plans why they accept what the revision takes away; empty where they do not.
    """

    path: str
    watch: Watch
    allow: Sequence[str] = ()
    accepted: Callable[[], str] = field(default=lambda: "")
    _sent: list[Statement] = field(default_factory=list)
    _open: list[_Open] = field(default_factory=list)

    def check(self, statement: Statement, effect: Effect, facts: LiveFacts) -> None:
        """Refuse a statement that breaks a rule.

        Raises:
            RuleBrokenError
        """
        self._sent.append(statement)
        objections = list(self.watch.objections(statement, effect, facts))
        if objections:
            lines = next(calls_under_way(self.path), range(0))
            written = Accepted(self.path, self.allow)
            for one in objections:
                found = one.finding
                by_plan = found.rule in ACCEPTED_BY_A_PLAN and self.accepted()
                if by_plan or written.covers(found, lines):
                    continue
                if not one.can_be_met:
                    raise self._refusal(found, lines, "nothing of it was run")
                self._open.append(_Open(one, lines, len(self._sent)))
        self.watch.note(statement, effect)

    def settle(self) -> None:
        """Refuse a commit while an objection is open that a later statement could have answered.

        Raises:
            RuleBrokenError
        """
        waiting, self._open = self._open, []
        for one in waiting:
            if not one.objection.is_met(tuple(self._sent[one.sent :])):
                raise self._refusal(one.objection.finding, one.lines, "the transaction that it is in was rolled back")
        self._sent = []

    def forget(self) -> None:
        """Forget what was sent since the last commit: it is rolled back."""
        self._sent, self._open = [], []

    def _refusal(self, found: Finding, lines: range, state: str) -> RuleBrokenError:
        text = " ".join(found.statement.split())[:300]
        return RuleBrokenError(
            f"{found.rule}: {found.message}",
            where=Location(Path(self.path), lines.start) if lines else None,
            notes=[f"statement: {text}", state, *found.safer.splitlines()],
            help=f"do it as shown, or write beside the statement: # migrator: allow {found.rule} because REASON",
        )


@dataclass(frozen=True, slots=True)
class _Open:
    """An objection that has until the commit to be answered, and how many statements were sent before."""

    objection: Objection
    lines: range
    sent: int
