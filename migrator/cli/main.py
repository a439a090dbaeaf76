"""Responsible for turning whatever happens into an exit code and an error message: the one place that does."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
from collections.abc import Sequence
from itertools import pairwise

import typer

from migrator.cli.app import build
from migrator.cli.bug import bug
from migrator.cli.errors import CommandLineError
from migrator.errors import Interrupted, MigratorError
from migrator.view import formats
from migrator.view.streams import Streams


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    if arguments is None:
        _collect_less_garbage()
    given = list(sys.argv[1:] if arguments is None else arguments)
    streams = Streams.standard()
    try:
        try:
            code = _run(given)
            streams.out.flush()
        except BrokenPipeError:
            raise
        # All of them: whoever exits from below, such as an env.py, must not make a run look complete.
        except BaseException as error:  # noqa: BLE001 - the last resort
            return _tell(error, given, streams)
    except BrokenPipeError:
        return _nobody_reads()
    return code


def _collect_less_garbage() -> None:
    """Keep Python from looking for garbage among the objects that imports make: a fifth of a short command's time.

    There are hundreds of thousands of them, all of which stay; at exit they would be looked through once more.
    """
    gc.set_threshold(200_000, 20, 50)
    atexit.register(gc.freeze)


def _run(arguments: list[str]) -> int:
    command = typer.main.get_command(build(arguments[0] if arguments else ""))
    try:
        # Not command.main(): it would draw errors and choose exit codes by itself.
        with command.make_context("migrator", arguments) as context:
            return int(command.invoke(context) or 0)
    except typer.Exit as asked:
        return asked.exit_code


def _tell(error: BaseException, arguments: Sequence[str], streams: Streams) -> int:
    """Draw `error` in the format that was asked for, and return its exit code."""
    if isinstance(error, typer.TyperException) and not arguments:  # the message is the help
        streams.err.write(error.format_message() + "\n")
        return CommandLineError.exit_code
    known = _known(error, streams)
    formats.load(_format(arguments)).error(known, streams)
    return known.exit_code


def _known(error: BaseException, streams: Streams) -> MigratorError:
    if isinstance(error, MigratorError):
        return error
    if isinstance(error, typer.TyperException):
        return _command_line_error(error)
    if isinstance(error, KeyboardInterrupt):
        return Interrupted("stopped by SIGINT", signal=signal.SIGINT, help="run the same command to go on")
    return _of_server(error) or bug(error, streams.environ)


def _of_server(error: BaseException) -> MigratorError | None:
    """Return what to say where the driver, or SQLAlchemy for it, says that the connection or a right is missing."""
    cause = getattr(error, "orig", None) or error
    if not type(cause).__module__.startswith("psycopg"):
        return None
    from psycopg.errors import InsufficientPrivilege  # noqa: PLC0415 - the driver is there already

    from migrator.postgres.connect import connection_lost, is_lost  # noqa: PLC0415 - as above
    from migrator.postgres.rights import denied  # noqa: PLC0415 - as above

    if isinstance(cause, InsufficientPrivilege):
        return denied(cause)
    return connection_lost(cause) if is_lost(cause) else None


def _format(arguments: Sequence[str]) -> str:
    """Return the format that was asked for, as far as a command line that may be wrong can tell."""
    for name in formats.names():
        if f"--format={name}" in arguments or ("--format", name) in pairwise(arguments):
            return name
    return "text"


def _command_line_error(error: typer.TyperException) -> CommandLineError:
    context: typer.Context | None = getattr(error, "ctx", None)
    path = context.command_path if context else "migrator"
    guesses: list[str] = getattr(error, "possibilities", None) or []
    guess = f"did you mean {guesses[0]}? " if guesses else ""
    said = error.message if guesses else error.format_message()
    message = " ".join(said.split()).removesuffix(".").replace("Value error, ", "")
    return CommandLineError(message[:1].lower() + message[1:], help=f"{guess}See: {path} --help")


def _nobody_reads() -> int:
    """Return what a shell shows for a process that SIGPIPE ended, and keep Python from flushing into the pipe again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
    return 128 + signal.SIGPIPE
