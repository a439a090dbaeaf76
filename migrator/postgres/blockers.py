"""A session that stands in the way, as data, and how people say how long it has; no connection needed."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LITERAL = re.compile(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b")


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session that we wait for. `age` is the age of its transaction in seconds; `query` has no literals."""

    pid: int
    application: str
    user: str
    state: str
    age: float
    query: str

    def __str__(self) -> str:
        return f"pid {self.pid}, application {self.application or '(none)'}, {self.state} for {duration(self.age)}"


def without_literals(sql: str, limit: int = 200) -> str:
    """Return one line of `sql` with every literal replaced by ``?``, cut to `limit` characters."""
    flat = " ".join(_LITERAL.sub("?", sql).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def duration(seconds: float) -> str:
    """Return `seconds` as a person says it: ``0.4 s``, ``41 s``, ``37 min``, ``5 h 12 min``, ``3 d 4 h``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"
