"""What somebody has accepted in writing for the statements of a revision: in its comments, or in the settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from migrator.check.exceptions import Exemption, exception_from_setting, exceptions_in
from migrator.check.finding import Finding, Place
from migrator.revisions.plain_form import calls_under_way
from migrator.revisions.recording_place import shown


@dataclass(frozen=True, slots=True)
class Accepted:
    """The exceptions for the revision in the file at `path`. `allow` are those of the settings, as they are written."""

    path: str
    allow: Sequence[str] = ()

    def covers(self, found: Finding, lines: range) -> bool:
        """Say whether what was found of the statement at `lines` is accepted."""
        return any(self._is_about(one, lines) and one.covers(self._placed(one, found)) for one in self._all())

    def rules_now(self) -> frozenset[str]:
        """Return the rules that may be broken by the statement that is being sent right now."""
        lines = next(calls_under_way(self.path), range(0))
        return frozenset(one.rule for one in self._all() if self._is_about(one, lines) and not one.problem)

    def anywhere(self, rule: str) -> bool:
        """Say whether the revision as a whole may break a rule."""
        return any(one.rule == rule and self._is_about(one, None) and not one.problem for one in self._all())

    def _all(self) -> Iterator[Exemption]:
        text = Path(self.path).read_text("utf-8", "replace")
        yield from exceptions_in(text, self.path)
        yield from map(exception_from_setting, self.allow)

    def _is_about(self, one: Exemption, lines: range | None) -> bool:
        if one.pattern:
            return Path(shown(Path(self.path))).match(one.pattern)
        return lines is None or one.line in lines

    def _placed(self, one: Exemption, found: Finding) -> Finding:
        place = Place(shown(Path(self.path))) if one.pattern else Place(self.path, one.line)
        return replace(found, place=place)
