"""Responsible for how an approval looks; not for keeping it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from migrator.view.ink import Ink


@dataclass(frozen=True, slots=True)
class Approval:
    """Which gates of which plan were approved, by whom and why."""

    plan: str
    gates: tuple[str, ...]
    by: str
    note: str = ""


def document(approval: Approval) -> dict[str, Any]:
    """Return the approval as a JSON-able mapping."""
    return {"version": 1, **asdict(approval)}


def text(approval: Approval, ink: Ink) -> str:
    """Return one line per gate, and the command that goes through."""
    if not approval.gates:
        return f"every gate of {approval.plan} has been approved before; next: migrator apply {approval.plan}"
    note = f" ({approval.note})" if approval.note else ""
    lines = [f"{ink.good('approved')} by {approval.by}{note}: {gate}" for gate in approval.gates]
    return "\n".join([*lines, f"next: migrator apply {approval.plan}"])
