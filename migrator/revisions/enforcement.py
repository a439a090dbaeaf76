"""Holds back a statement of a revision that a rule of the gate is against, unless somebody has accepted it in writing.

Accepted is what a comment beside the statement, the settings, or the plan of the revision gives a reason for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from migrator.check.exceptions import Exemption, exception_from_setting, exceptions_in
from migrator.check.finding import Finding, Place
from migrator.check.live import Watch
from migrator.check.losses import ACCEPTED_BY_A_PLAN
from migrator.errors import Location
from migrator.revisions.errors import RuleBrokenError
from migrator.revisions.plain_form import calls_under_way
from migrator.revisions.recording_place import shown
from migrator.sql.context import Context
from migrator.sql.effects import Effect
from migrator.sql.statement import Statement


@dataclass(frozen=True)
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

    def check(self, statement: Statement, effect: Effect, facts: Context) -> None:
        """Refuse a statement that breaks a rule.

        Raises:
            RuleBrokenError
        """
        objections = list(self.watch.objections(statement, effect, facts))
        if not objections:
            self.watch.note(effect)
            return
        lines = next(calls_under_way(self.path), range(0))
        exemptions = self._exemptions()
        for found in objections:
            by_plan = found.rule in ACCEPTED_BY_A_PLAN and self.accepted()
            if not (by_plan or any(self._covers(one, found, lines) for one in exemptions)):
                raise self._refusal(found, lines)
        self.watch.note(effect)

    def _exemptions(self) -> list[Exemption]:
        text = Path(self.path).read_text("utf-8", "replace")
        return [*exceptions_in(text, self.path), *map(exception_from_setting, self.allow)]

    def _covers(self, one: Exemption, found: Finding, lines: range) -> bool:
        place = Place(shown(Path(self.path))) if one.pattern else Place(self.path, one.line)
        return (bool(one.pattern) or one.line in lines) and one.covers(replace(found, place=place))

    def _refusal(self, found: Finding, lines: range) -> RuleBrokenError:
        text = " ".join(found.statement.split())[:300]
        return RuleBrokenError(
            f"{found.rule}: {found.message}",
            where=Location(Path(self.path), lines.start) if lines else None,
            notes=[f"statement: {text}", "nothing of it was run", *found.safer.splitlines()],
            help=f"do it as shown, or write beside the statement: # migrator: allow {found.rule} because REASON",
        )
