"""Responsible for declaring a command in its own file; not for what any command does."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from migrator.cli.invocation import Invocation
from migrator.cli.options import SETTINGS, format_option, read_format
from migrator.view.streams import Streams


class Group(StrEnum):
    """The headings under which ``migrator --help`` lists the commands, in this order."""

    RUN = "Carry out a plan"
    ALEMBIC = "Run Alembic revisions online"
    ASK = "See where it stands"
    LEARN = "Learn"


@dataclass(frozen=True, slots=True)
class Command:
    """A command, its place in the help, and two examples that can be pasted."""

    function: Callable[..., int | None]
    group: Group
    order: int
    examples: tuple[str, str]
    negative: bool

    @property
    def name(self) -> str:
        return self.function.__name__


def command(
    group: Group,
    order: int,
    *,
    examples: tuple[str, str],
    settings: bool = True,
    negative: bool = False,
    formats: tuple[str, ...] = (),
) -> Callable[[Callable[..., int | None]], Command]:
    """Make a command of a function whose first parameter is an `Invocation` and whose others are its own options.

    Args:
        order: its place within the group.
        settings: whether the command takes the options that stand for settings, such as ``--database-url``.
        negative: whether an argument may look like an option, such as ``-1``.
        formats: further formats that the view of this command alone has.
    """

    def declare(function: Callable[..., int | None]) -> Command:
        return Command(
            _with_common_options(function, settings=settings, formats=formats), group, order, examples, negative
        )

    return declare


def _with_common_options(
    function: Callable[..., int | None], *, settings: bool, formats: tuple[str, ...]
) -> Callable[..., int | None]:
    first, *own = inspect.signature(function, eval_str=True).parameters.values()
    common = {setting.key: setting.option() for setting in SETTINGS} if settings else {}

    @functools.wraps(function)
    def run(**values: Any) -> int | None:
        flags = {key: values.pop(key) for key in common}
        format = read_format(values.pop("format"), formats)  # noqa: A001 - the word users see
        invocation = Invocation(function.__name__, flags, format, Streams.standard())
        return function(**{first.name: invocation}, **values)

    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in {**common, "format": format_option(formats)}.items()
    ]
    named = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    run.__signature__ = inspect.Signature([*named, *options])  # type: ignore[attr-defined]  # read by inspect.signature
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in (*named, *options)}
    return run
