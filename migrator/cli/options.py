"""Responsible for the options that several commands share, each written once; not for reading settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import typer

from migrator.cli.errors import CommandLineError
from migrator.durations import parse_duration
from migrator.spelling import suggestion
from migrator.view import formats


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that can be given as a flag. The flag and the environment variable follow from its key."""

    key: str
    metavar: str
    help: str
    short: tuple[str, ...] = ()

    @property
    def flag(self) -> str:
        return f"--{self.key.replace('_', '-')}"

    @property
    def variable(self) -> str:
        return f"MIGRATOR_{self.key.upper()}"

    def option(self) -> tuple[Any, None]:
        """Return the annotation and the default of a parameter for this setting."""
        option = typer.Option(
            self.flag,
            *self.short,
            metavar=self.metavar,
            help=f"{self.help} [{self.variable}]",
            show_default=False,
        )
        return Annotated[str | None, option], None


SETTINGS = (
    Setting("database_url", "URL", "The database: postgresql://... or embedded:DIR."),
    Setting("alembic_ini", "FILE", "The Alembic configuration of the project."),
    Setting("alembic_name", "SECTION", "The section of that file to use.", ("--name",)),
    Setting("lock_timeout", "DURATION", "How long one attempt may wait for a lock, such as 2s."),
    Setting("metrics", "FILE|HOST:PORT", "Where the numbers of a run go, in the OpenMetrics format."),
    Setting("lock_wait", "DURATION", "How long to keep trying for a lock, such as 10m."),
)

PlanArgument = Annotated[
    str, typer.Argument(metavar="PLAN", help="The plan: its name, its number, or the path of its file.")
]
OptionalPlanArgument = Annotated[
    str | None,
    typer.Argument(metavar="PLAN", help="The plan: its name, its number, or the path of its file.", show_default=False),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
DriftOption = Annotated[
    bool, typer.Option("--accept-drift", help="Go on although somebody else has changed the schema meanwhile.")
]
PhaseName = Literal["expand", "migrate", "contract"]


def read_duration(option: str, text: str, example: str) -> float:
    """Return the seconds that the value of `option` says.

    Raises:
        CommandLineError: it is no duration.
    """
    try:
        return parse_duration(text).total_seconds()
    except ValueError as error:
        raise CommandLineError(f"{option} {error}", help=f"for example: {example}") from error


def format_option(further: tuple[str, ...] = ()) -> tuple[Any, str]:
    """Return the annotation and the default of the parameter ``--format``."""
    names = "|".join([*sorted(formats.names(), reverse=True), *further])
    return Annotated[
        str, typer.Option("--format", metavar=names, help="How to write the answer and the progress.")
    ], "text"


def read_format(name: str, further: tuple[str, ...] = ()) -> formats.Format:
    """Return the format called `name`, which may be one of those that a single view has.

    Raises:
        CommandLineError: there is none.
    """
    if name in further:
        return formats.of_view(name)
    if name not in formats.names():
        known = [*formats.names(), *further]
        raise CommandLineError(f"unknown format {name}", help=suggestion(name, known, "formats"))
    return formats.load(name)
