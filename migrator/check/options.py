"""What the judgement depends on besides the statements: the server's version, and who will run them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from migrator.check.errors import BadOptionError
from migrator.sql.context import NEWEST

OLDEST = 10
"""Older servers differ in ways that the rules do not know."""
OLDEST_SUPPORTED = 14
"""The oldest PostgreSQL that migrator runs on, assumed where none is named: what holds there holds later."""


class Runner(StrEnum):
    """Who will run the statements."""

    MIGRATOR = "migrator"
    ALEMBIC = "alembic"
    PSQL = "psql"


@dataclass(frozen=True, slots=True)
class Options:
    """How to judge. `minor` is None where only the major version is known."""

    pg_version: int = OLDEST_SUPPORTED
    minor: int | None = None
    runner: Runner = Runner.PSQL
    runner_sets_timeouts: bool = False
    with_rules: frozenset[str] = field(default_factory=frozenset)
    """Rules that are off by default and are wanted."""
    without_rules: frozenset[str] = field(default_factory=frozenset)


def read_version(text: str) -> tuple[int, int | None]:
    """Return major and minor version of what a person calls a version, such as 15 or 14.2.

    Raises:
        BadOptionError
    """
    major, _, minor = text.strip().partition(".")
    if not major.isdecimal() or (minor and not minor.isdecimal()) or not OLDEST <= int(major) <= NEWEST:
        raise BadOptionError(
            f"{text!r} is no version of PostgreSQL between {OLDEST} and {NEWEST}", help="write --pg-version 15"
        )
    return int(major), int(minor) if minor else None
