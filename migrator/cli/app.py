"""Responsible for the command line as a whole: finding the commands and laying out the help; not for any command."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import typer
from typer.core import TyperCommand, TyperGroup

from migrator import __version__
from migrator.cli import commands
from migrator.cli.command import Command, Group
from migrator.cli.errors import CommandLineError
from migrator.spelling import suggestion


def declared() -> list[Command]:
    """Return every command, in the order of the help. Each module of `commands` declares those it has."""
    order = list(Group)
    return sorted(_commands(), key=lambda command: (order.index(command.group), command.order))


def _commands() -> Iterator[Command]:
    for module in pkgutil.iter_modules(commands.__path__):
        content = vars(importlib.import_module(f"{commands.__name__}.{module.name}"))
        yield from (value for value in content.values() if isinstance(value, Command))


class _AsTyped:
    """Takes texts and flags as they were typed.

    Typer imports pydantic and builds a validator for every parameter, which takes a quarter of a second.
    """

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        del ctx
        return () if value is None and param.multiple else value


class _Chosen(_AsTyped):
    """Takes one of several words, or paths, as they were typed; leaves to Typer what is to be said of other words."""

    def __init__(self, annotation: Any, otherwise: Any) -> None:
        self._annotation = annotation
        self._otherwise = otherwise

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        if self._annotation is Path and isinstance(value, str):
            return Path(value)
        if self._annotation == list[Path] and all(isinstance(one, str) for one in value or ()):
            return [Path(one) for one in value or ()]
        plain = value is None or (get_origin(self._annotation) is Literal and value in get_args(self._annotation))
        return super().coerce(value, param, ctx) if plain else self._otherwise().coerce(value, param, ctx)


def _as_typed(parameters: list[Any]) -> list[Any]:
    for parameter in parameters:
        descriptor = getattr(parameter, "type_descriptor", None)
        annotation = descriptor.annotation if descriptor else None
        if annotation in (str, bool, list[str]):
            parameter.get_runtime_param = _AsTyped
        elif annotation in (Path, list[Path]) or get_origin(annotation) is Literal:
            parameter.get_runtime_param = partial(_Chosen, annotation, parameter.get_runtime_param)
    return parameters


class _Command(TyperCommand):
    """A command whose epilog is a list of examples, one a line."""

    def get_params(self, ctx: Any) -> list[Any]:
        return _as_typed(super().get_params(ctx))

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        # Typer puts a required argument in braces, which everybody else uses for a choice.
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        del ctx
        with formatter.section("Examples"):
            for line in (self.epilog or "").splitlines():
                formatter.write(f"  {line}\n")  # write_text would wrap what is to be pasted


class _Group(TyperGroup):
    """The command that holds all others, listed under headings."""

    def get_params(self, ctx: Any) -> list[Any]:
        return _as_typed(super().get_params(ctx))

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        del ctx
        longest = max(map(len, self.commands))
        for heading, members in groupby(
            self.commands.items(), key=lambda item: getattr(item[1], "rich_help_panel", "")
        ):
            with formatter.section(heading):
                formatter.write_dl(
                    [(name.ljust(longest), command.get_short_help_str(limit=200)) for name, command in members]
                )

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        if name not in self.commands and not name.startswith("-"):
            advice = suggestion(name, self.commands, "commands")
            raise CommandLineError(f"unknown command {name}", help=f"{advice} See: migrator --help")
        return super().resolve_command(ctx, args)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"migrator {__version__}")
        raise typer.Exit


def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Change the schema of a live PostgreSQL database without the application noticing.

    A plan has three phases: expand adds the new shape, migrate fills and checks it, contract removes the old one.
    Every command can be stopped at any moment and run again.
    """
    del version


def build(wanted: str = "") -> typer.Typer:
    """Return the application with all its commands, or with the `wanted` one alone where it has it."""
    app = typer.Typer(
        cls=_Group,
        callback=_main,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    found = declared()
    for command in [one for one in found if one.name == wanted] or found:
        app.command(
            command.name,
            cls=_Command,
            epilog="\n".join(command.examples),
            rich_help_panel=command.group,
            context_settings={"help_option_names": ["-h", "--help"], "ignore_unknown_options": command.negative},
        )(command.function)
    return app
