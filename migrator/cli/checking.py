"""Responsible for what the options of ``migrator check`` mean; not for carrying it out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from migrator.check.errors import UnknownRuleError
from migrator.check.options import OLDEST_SUPPORTED, Options, Runner, read_version
from migrator.check.rule import every_rule
from migrator.spelling import suggestion

if TYPE_CHECKING:  # pydantic and YAML are of use to plans only
    from migrator.settings import Settings


def options_for(
    version: str | None,
    runner: str | None,
    *,
    timeouts: bool,
    wanted: Sequence[str] | None,
    unwanted: Sequence[str] | None,
) -> tuple[Options, Options]:
    """Return how SQL files are judged, by default as run by psql, and how revisions are, by default by migrator.

    Raises:
        BadOptionError, UnknownRuleError
    """
    for name in (*(wanted or ()), *(unwanted or ())):
        if name not in every_rule():
            advice = suggestion(name, every_rule(), "rules")
            raise UnknownRuleError(f"no rule is called {name}", help=f"{advice} See: migrator explain rules")
    major, minor = read_version(version) if version else (OLDEST_SUPPORTED, None)
    files = Options(
        major,
        minor,
        Runner(runner or Runner.PSQL),
        timeouts,
        frozenset(wanted or ()),
        frozenset(unwanted or ()),
    )
    return files, replace(files, runner=Runner(runner or Runner.MIGRATOR))


def plan_path(name: str | None, settings: Settings) -> Path | None:
    """Return the file of the plan that was asked for."""
    if name is None:
        return None
    from migrator.plan import find_plan  # noqa: PLC0415 - see above

    return find_plan(name, settings.plans)
