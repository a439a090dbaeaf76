"""Responsible for how the story of a rule looks on a terminal and in a script; the words are its module's docstring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from migrator.check.rule import Rule
from migrator.view.ink import Ink


def document(rules: Sequence[Rule]) -> dict[str, Any]:
    """Return the rules as a JSON-able mapping."""
    return {
        "version": 1,
        "rules": [
            {
                "rule": one.name,
                "hazard": str(one.hazard),
                "severity": str(one.severity),
                "on": one.on,
                "summary": one.summary,
                "text": one.story,
            }
            for one in rules
        ],
    }


def text(rules: Sequence[Rule], ink: Ink) -> str:
    """Return one story in full, or of several the first sentences."""
    if len(rules) > 1:
        longest = max(len(one.name) for one in rules)
        return "\n".join(f"{ink.bold(one.name.ljust(longest))}  {_kind(one)}  {one.summary}" for one in rules)
    (rule,) = rules
    return f"{ink.bold(rule.name)}: {_kind(rule).strip()}\n\n{rule.story}"


def _kind(rule: Rule) -> str:
    return f"{rule.severity if rule.on else 'off'}, {rule.hazard}".ljust(21)
