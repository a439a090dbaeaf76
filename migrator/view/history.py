"""Responsible for how the answer of ``migrator history`` looks; not for which events are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from migrator.engine.reports import HistoryEntry
from migrator.view.ink import Ink
from migrator.view.printable import one_line
from migrator.view.table import table

ALREADY_SHOWN = ("event", "step", "plan", "run")


def document(entries: Sequence[HistoryEntry]) -> dict[str, Any]:
    """Return the entries as a JSON-able mapping."""
    return {"version": 1, "entries": [asdict(entry) for entry in entries]}


def text(entries: Sequence[HistoryEntry], ink: Ink) -> str:
    """Return one line per entry, in the order given, times as the ledger has them."""
    if not entries:
        return "no history: no plan was run on this database"
    heads = ["TIME", "PLAN", "RUN", "EVENT", "STEP", "BY", "DETAIL"]
    return "\n".join(table(heads, [_row(entry) for entry in entries], ink))


def _row(entry: HistoryEntry) -> list[str]:
    at = entry.at.isoformat(sep=" ", timespec="seconds")
    return [at, entry.plan, str(entry.run), entry.event, entry.step, entry.by, _detail(entry.data)]


def _detail(data: dict[str, Any]) -> str:
    said = (_said(key, value) for key, value in data.items() if key not in ALREADY_SHOWN)
    return one_line(", ".join(each for each in said if each))


def _said(key: str, value: object) -> str:
    """Return one field as a person reads it; what is empty, false or nested is left to the JSON."""
    if isinstance(value, bool):
        return key if value else ""
    if isinstance(value, float):
        return f"{key} {value:.3g}"
    return f"{key} {value}" if isinstance(value, (int, str)) and value != "" else ""
