"""Responsible for the format for programs: every answer, event and error is one JSON object on one line."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, TypeVar

from migrator.errors import MigratorError
from migrator.view import errors
from migrator.view.formats import View
from migrator.view.jsontext import dumps
from migrator.view.streams import Streams

if TYPE_CHECKING:  # the events import the database driver, which an error message has no use for
    from migrator.engine.events import Emit

R = TypeVar("R")


def progress(streams: Streams) -> AbstractContextManager[Emit]:
    """Write every event to standard output as it comes."""
    from migrator.view import jsonlines  # noqa: PLC0415 - the events import the database driver

    return jsonlines.progress(streams)


def answer(view: View[R], report: R, streams: Streams) -> None:
    """Write the answer as one object to standard output."""
    streams.out.write(dumps(view.document(report)) + "\n")
    streams.out.flush()


def error(error: MigratorError, streams: Streams) -> None:
    """Write the error as one object to standard output, and as text to standard error for the log of the pipeline."""
    streams.err.write(errors.text(error, streams.ink(streams.err)) + "\n")
    streams.err.flush()
    answer(errors, error, streams)
