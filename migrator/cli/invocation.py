"""Responsible for what every command is given: its flags, its format, its streams; not for what it does with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from migrator.cli.bug import DEBUG_VARIABLE
from migrator.view.formats import Format, View
from migrator.view.streams import Streams

if TYPE_CHECKING:  # pydantic and YAML take longer to import than `--help` takes in all
    from migrator.engine.target import Target
    from migrator.plan import Plan
    from migrator.settings import Settings

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Invocation:
    """One command as it was typed. `flags` holds the settings given on the command line, None where they were not."""

    command: str
    flags: Mapping[str, object]
    format: Format
    streams: Streams

    def settings(self) -> Settings:
        """Return the settings that this command goes by."""
        from migrator.settings import load_settings  # noqa: PLC0415 - `explain` and `--help` need none

        # How to report bugs is no setting: it must work when the settings are what is wrong.
        environ = {name: value for name, value in self.streams.environ.items() if name != DEBUG_VARIABLE}
        return load_settings(self.flags, environ=environ, cwd=Path.cwd())

    def plan(self, name: str, settings: Settings) -> Plan:
        """Return the plan that was asked for by name, number or path."""
        from migrator.plan import find_plan, load_plan  # noqa: PLC0415 - see above

        return load_plan(find_plan(name, settings.plans))

    def plans(self, name: str | None, settings: Settings) -> list[Plan]:
        """Return the plan that was asked for, or every plan of the project; none where it works without plans."""
        if name:
            return [self.plan(name, settings)]
        from migrator.plan import load_all  # noqa: PLC0415 - see above
        from migrator.settings import DEFAULT_ORIGIN  # noqa: PLC0415 - see above

        if settings.origin("plans") == DEFAULT_ORIGIN and not settings.plans.exists():
            return []
        return load_all(settings.plans)

    def target(self, settings: Settings) -> AbstractContextManager[Target]:
        """Return the database to work on, connected for as long as the context is open."""
        from migrator.engine.target import open_target  # noqa: PLC0415 - over a second, for the driver and Alembic

        return open_target(settings, command=self.command)

    @contextmanager
    def on_plan(self, name: str) -> Iterator[tuple[Target, Plan]]:
        """Open the database for the plan that was asked for; a plan with errors is reported before connecting."""
        settings = self.settings()
        plan = self.plan(name, settings)
        with self.target(settings) as target:
            yield target, plan

    def answer(self, view: View[R], report: R) -> None:
        """Write an answer in the format that was asked for."""
        self.format.answer(view, report, self.streams)
