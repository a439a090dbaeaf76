"""What a rule reports, and where; not how it is found and not how it looks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding weighs. `INFO` is what the runner makes safe, or what a person accepted: it never fails."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Hazard(StrEnum):
    """What happens if nobody acts on it."""

    IRREVERSIBLE = "irreversible"
    BLOCKS = "blocks"
    REWRITES = "rewrites"
    SCANS = "scans"
    BREAKS = "breaks"
    FAILS = "fails"
    OPERABILITY = "operability"
    STYLE = "style"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a statement was written. Lines and columns count from 1; 0 means the whole file."""

    path: str
    line: int = 0
    column: int = 0
    excerpt: str = ""
    revision: str | None = None
    direction: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        message: what is blocked or lost, and why.
        safer: the user's own change written in a way that is safe.
        note: for a finding that counts no more, why: `made safe by migrator`, or the reason of the exception.
    """

    rule: str
    severity: Severity
    hazard: Hazard
    place: Place
    statement: str
    message: str
    safer: str = ""
    note: str = ""
