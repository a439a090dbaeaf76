"""Responsible for the format for people: colour and a live bar on a terminal, plain lines anywhere else."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, TypeVar

from migrator.errors import MigratorError
from migrator.view import errors
from migrator.view.formats import View
from migrator.view.printable import cleaned
from migrator.view.streams import Streams

if TYPE_CHECKING:  # the events import the database driver, which an error message has no use for
    from migrator.engine.events import Emit

R = TypeVar("R")


def progress(streams: Streams) -> AbstractContextManager[Emit]:
    """Show events on standard error, in the way it can show them."""
    if streams.live:
        from migrator.view import terminal  # noqa: PLC0415 - rich is of use on a terminal only

        return terminal.progress(streams)
    from migrator.view import lines  # noqa: PLC0415 - the events import the database driver

    return lines.progress(streams)


def answer(view: View[R], report: R, streams: Streams) -> None:
    """Write the answer as text to standard output."""
    streams.out.write(view.text(cleaned(report), streams.ink(streams.out)) + "\n")
    streams.out.flush()


def error(error: MigratorError, streams: Streams) -> None:
    """Write the error as text to standard error."""
    streams.err.write(errors.text(error, streams.ink(streams.err)) + "\n")
    streams.err.flush()
