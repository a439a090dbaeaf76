"""Responsible for the answer of the commands that control a run; not for what they ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from migrator.view.ink import Ink


@dataclass(frozen=True, slots=True)
class Controlled:
    """What was asked of the run of `plan`, and when it takes effect."""

    plan: str
    what: str
    effect: str


def document(report: Controlled) -> dict[str, Any]:
    """Return what was asked as a JSON-able mapping."""
    return {"version": 1, "plan": report.plan, "asked": report.what}


def text(report: Controlled, ink: Ink) -> str:
    """Return what was asked, in one line."""
    return f"{ink.bold(report.plan)}: {report.what}; {report.effect}"
